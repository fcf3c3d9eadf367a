import { expect, test } from 'vitest';
import type { Gpu } from '#shared/capabilities.ts';
import { WorkerMetrics, type WorkerReadings } from '../../../worker/metrics.ts';

const readings: WorkerReadings = {
  running: () => 0,
  slots: () => 8,
  load: () => ({ cpu: 0, ops: 0 }),
  gpus: () => [],
  checks: () => [],
  mounts: () => [],
  probes: () => [],
  eae: () => ({ available: false, pid: null, licence: null }),
  codecs: () => ({ wanted: 0, missing: 0 }),
};

test('the limit of a card’s encoder sessions stands once, where it encodes and a limit is known', async () => {
  const card: Gpu = {
    ...{ id: 'GPU-1', api: 'cuda', name: 'RTX', device: '1', driver: null, decoders: ['h264'] },
    ...{ encoders: ['h264_nvenc'], filters: [], sessionLimit: 8 },
  };
  const metrics = new WorkerMetrics({
    ...readings,
    gpus: () => [
      card,
      { ...card, api: 'vaapi', encoders: [], sessionLimit: 0 },
      { ...card, id: 'GPU-2', sessionLimit: null },
    ],
  });
  const { text } = await metrics.exposition();
  const series = text.split('\n').filter((line) => line.startsWith('clusterplex_gpu_'));
  expect(series).toEqual(['clusterplex_gpu_encoder_sessions_limit{gpu="GPU-1",gpu_name="RTX"} 8']);
});

test('a kill by the fence counts, and a mount says how long the last look took', async () => {
  const metrics = new WorkerMetrics({ ...readings, probes: () => [{ path: '/transcode', ms: 12 }] });
  metrics.fenceKilled();
  const { text } = await metrics.exposition();
  expect(text).toContain('clusterplex_fence_kills_total 1');
  expect(text).toContain('clusterplex_mount_probe_seconds{path="/transcode"} 0.012');
});
