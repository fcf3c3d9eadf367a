import { expect, test } from 'vitest';
import { jobState } from '../../../orchestrator/core/model.ts';
import { running, World } from './world.ts';

test('who stood by for long waits for workers and jobs as after a start, once it leads', () => {
  const world = new World();
  world.advance(60_000);
  world.handle({ type: 'elected' });
  const relay = world.relay('r', ['ran', 'new']);
  const ran = world.submit(relay, 'ran', { local: true }, 1);
  const fresh = world.submit(relay, 'new', { local: true });
  world.advance(2_900);
  expect([jobState(ran), jobState(fresh)]).toEqual(['queued', 'queued']);
  world.worker('w', { slots: 2, attempts: [running('ran', 1)] });
  expect([ran.current?.number, fresh.current?.number]).toEqual([1, 1]);
});

test('who has led for a while gives up at once what no worker can take', () => {
  const world = new World();
  world.handle({ type: 'elected' });
  world.advance(3_000);
  const job = world.submit(world.relay(), 'new', { local: true });
  expect(job.outcome?.reason).toBe('no-worker');
});
