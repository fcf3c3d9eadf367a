import { expect, test } from 'vitest';
import { OrchestratorMetrics } from '../../../orchestrator/metrics.ts';
import { ended, World } from '../core/world.ts';

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
