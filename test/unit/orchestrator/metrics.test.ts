import { expect, test } from 'vitest';
import { type Gpu, NO_CAPABILITIES } from '#shared/capabilities.ts';
import { OrchestratorMetrics } from '../../../orchestrator/metrics.ts';
import { ended, running, World } from '../core/world.ts';

test('a retry counts by its reason, and a first attempt does not', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const look = (): void => {
    for (const effect of world.effects) {
      if (effect.type === 'job-changed') metrics.observe(effect);
    }
  };
  const a = world.worker('a');
  world.submit(world.relay(), 'j');
  look();
  world.worker('b');
  world.report(a, [ended('j', { reason: 'refused', message: 'no mount' })]);
  look();
  const { text } = await metrics.exposition();
  const counted = text.split('\n').filter((line) => line.startsWith('clusterplex_retries_total'));
  expect(counted).toEqual(['clusterplex_retries_total{reason="refused"} 1']);
});

test('an attempt whose exit code 0 was not believed has a reason of its own', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const a = world.worker('a');
  world.submit(world.relay(), 'j');
  world.worker('b');
  world.report(a, [ended('j', { exitCode: 0, readError: 'I/O error' })]);
  for (const effect of world.advance(3_000)) {
    if (effect.type === 'job-changed') metrics.observe(effect);
  }
  const { text } = await metrics.exposition();
  expect(text).toContain('clusterplex_retries_total{reason="incomplete"} 1');
});

test('a GPU’s series are there as long as its worker is, and leave out what the card does not tell', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const gpu = {
    id: 'GPU-1',
    name: 'T4',
    utilisation: 7,
    encoder: null,
    memoryUsed: 1,
    memoryTotal: 2,
    sessions: 3,
  };
  const a = world.worker('a', { load: { cpu: 0, ops: 0, gpus: [gpu] } });
  const series = async (): Promise<string[]> => {
    const { text } = await metrics.exposition();
    return text.split('\n').filter((line) => line.startsWith('clusterplex_worker_gpu_'));
  };
  const labels = '{worker_name="a",gpu="GPU-1",gpu_name="T4"}';
  expect(await series()).toEqual([
    `clusterplex_worker_gpu_percent${labels} 7`,
    `clusterplex_worker_gpu_encoder_sessions${labels} 3`,
    `clusterplex_worker_gpu_memory_used_bytes${labels} 1`,
    `clusterplex_worker_gpu_memory_bytes${labels} 2`,
  ]);
  world.disconnect(a);
  expect(await series()).toEqual([]);
});

test('a card’s encoder sessions are told once for all workers on it, with the limit that it has or was found to have', async () => {
  const world = World.settled();
  const metrics = new OrchestratorMetrics(world.cluster);
  const hardware = { api: 'cuda', decoder: null, encoder: 'h264_nvenc' } as const;
  const decodes: Gpu = {
    ...{ id: 'GPU-2', api: 'cuda', name: 'H200', device: '1', driver: null, decoders: ['h264'] },
    ...{ encoders: [], filters: [], sessionLimit: 0 },
  };
  const encodes = { ...decodes, id: 'GPU-1', name: 'T4', encoders: [hardware.encoder], sessionLimit: null };
  const found = { slots: 10, capabilities: { ...NO_CAPABILITIES, gpus: [encodes, decodes] } };
  const a = world.worker('a', found);
  world.worker('b', found);
  const relay = world.relay();
  const argv = ['-i', 'a', '-codec:0', hardware.encoder, 'dash'];
  for (const id of ['1', '2', '3']) world.submit(relay, id, { argv });
  const series = async (): Promise<string[]> => {
    const { text } = await metrics.exposition();
    return text.split('\n').filter((line) => line.startsWith('clusterplex_card_'));
  };
  const labels = '{gpu="GPU-1",gpu_name="T4"}';
  expect(await series()).toEqual([`clusterplex_card_encoder_sessions${labels} 3`]);
  world.report(a, [
    { ...ended('1', { exitCode: 1, gpuFailure: 'sessions' }), hardware },
    { ...running('3'), hardware },
  ]);
  expect(await series()).toEqual([
    `clusterplex_card_encoder_sessions${labels} 2`,
    `clusterplex_card_encoder_sessions_limit${labels} 2`,
  ]);
});
