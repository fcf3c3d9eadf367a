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
