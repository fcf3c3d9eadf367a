import { expect, test } from 'vitest';
import { Cluster } from '../../../orchestrator/core/cluster.ts';
import { Timelines } from '../../../orchestrator/timelines.ts';
import { SETTINGS, workerHello } from '../core/world.ts';
import { FakeClock } from './fakeClock.ts';

test('a sample every 10 s, of the last six hours, until it stops', () => {
  const clock = new FakeClock();
  const cluster = new Cluster(SETTINGS, clock.now());
  let samples = 0;
  const timelines = new Timelines(cluster, clock, () => {
    samples += 1;
    return samples === 1 ? 900 : null;
  });
  expect(timelines.view().at).toEqual([]);
  clock.advance(10_000);
  cluster.handle(
    { type: 'worker-hello', connection: 1, hello: workerHello('w1', { slots: 3 }) },
    clock.now(),
  );
  clock.advance(10_000);
  const { at, ...lines } = timelines.view();
  expect(at).toHaveLength(2);
  expect(lines).toMatchObject({ running: [0, 0], queued: [0, 0], workers: [0, 1], slots: [0, 3] });
  expect(lines).toMatchObject({ speed: [null, null], firstSegmentMs: [900, null], gpu: [null, null] });

  for (let sample = 0; sample < 2200; sample++) clock.advance(10_000);
  expect(timelines.view().queued).toHaveLength(2160);
  timelines.stop();
  clock.advance(60_000);
  expect(samples).toBe(2202);
});

test('slots of workers that take no jobs are not counted', () => {
  const clock = new FakeClock();
  const cluster = new Cluster(SETTINGS, clock.now());
  const timelines = new Timelines(cluster, clock, () => null);
  for (const [connection, name] of ['w1', 'w2'].entries()) {
    cluster.handle({ type: 'worker-hello', connection, hello: workerHello(name, { slots: 3 }) }, clock.now());
  }
  cluster.handle({ type: 'drain', worker: 'w2', drained: true }, clock.now());
  clock.advance(10_000);
  expect(timelines.view()).toMatchObject({ workers: [1], slots: [3] });
  timelines.stop();
});
