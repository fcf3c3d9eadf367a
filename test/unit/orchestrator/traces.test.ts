import { expect, test } from 'vitest';
import { outcomeWithoutProcess } from '#shared/job.ts';
import type { Effect } from '../../../orchestrator/core/effects.ts';
import { traceQueue } from '../../../orchestrator/traces.ts';
import { RecordedTracing, TRACEPARENT } from '../../support/spans.ts';
import { World } from '../core/world.ts';

function stage() {
  const tracing = new RecordedTracing();
  const observe = traceQueue(tracing);
  const world = World.settled();
  const see = (effects: readonly Effect[]): void => {
    for (const effect of effects) if (effect.type === 'job-changed') observe(effect);
  };
  return { tracing, world, see };
}

test('each time that a job waits for a worker is a span, which says whom it got, and after what', () => {
  const { tracing, world, see } = stage();
  const relay = world.relay();
  world.submit(relay, 'j', { traceparent: TRACEPARENT, local: false });
  see(world.effects);
  expect(tracing.spans).toMatchObject([{ name: 'queue', parent: TRACEPARENT, failure: undefined }]);
  const first = world.worker('a');
  see(world.effects);
  world.worker('b');
  see(
    world.report(first, [
      {
        ...{ jobId: 'j', attempt: 1, phase: 'ended', changes: [], hardware: null },
        outcome: outcomeWithoutProcess('lost', 'X-Plex-Token=secret'),
      },
    ]),
  );
  expect(tracing.spans).toMatchObject([
    { failure: null, attributes: { 'clusterplex.worker': 'a', 'clusterplex.attempt': 1 } },
    { failure: null, attributes: { 'clusterplex.attempt': 2, 'clusterplex.retry': 'lost' } },
  ]);
  expect(tracing.spans[0]?.attributes).toMatchObject({ 'clusterplex.retry': null });
  expect(JSON.stringify(tracing.spans)).not.toContain('secret');
});

test('a job that ends while it waits ends its span, with the reason', () => {
  const { tracing, world, see } = stage();
  world.submit(world.relay(), 'j', { traceparent: TRACEPARENT, local: false });
  see(world.effects);
  see(world.advance(world.settings.queueTimeoutMs.playback));
  expect(tracing.spans).toMatchObject([
    { failure: 'no-worker', attributes: { 'clusterplex.outcome': 'no-worker' } },
  ]);
});

test('a job without a trace makes no span', () => {
  const { tracing, world, see } = stage();
  world.worker('a');
  world.submit(world.relay(), 'j');
  see(world.effects);
  expect(tracing.spans).toEqual([]);
});
