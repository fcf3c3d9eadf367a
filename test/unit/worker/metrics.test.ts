import { expect, test } from 'vitest';
import type { Gpu } from '#shared/capabilities.ts';
import { WorkerMetrics } from '../../../worker/metrics.ts';

test('the limit of a card’s encoder sessions stands once, where it encodes and a limit is known', async () => {
  const card: Gpu = {
    ...{ id: 'GPU-1', api: 'cuda', name: 'RTX', device: '1', driver: null, decoders: ['h264'] },
    ...{ encoders: ['h264_nvenc'], filters: [], sessionLimit: 8 },
  };
  const metrics = new WorkerMetrics({
    running: () => 0,
    slots: () => 8,
    load: () => ({ cpu: 0, ops: 0 }),
    gpus: () => [
      card,
      { ...card, api: 'vaapi', encoders: [], sessionLimit: 0 },
      { ...card, id: 'GPU-2', sessionLimit: null },
    ],
    checks: () => [],
    mounts: () => [],
    eae: () => ({ available: false, pid: null, licence: null }),
    codecs: () => ({ wanted: 0, missing: 0 }),
  });
  const { text } = await metrics.exposition();
  const series = text.split('\n').filter((line) => line.startsWith('clusterplex_gpu_'));
  expect(series).toEqual(['clusterplex_gpu_encoder_sessions_limit{gpu="GPU-1",gpu_name="RTX"} 8']);
});
