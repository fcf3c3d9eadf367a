import { expect, test } from 'vitest';
import { jobState } from '../../../orchestrator/core/model.ts';
import { running, World } from './world.ts';

test('a worker that says nothing is closed when its time is up, and moved from after the reconnect time', () => {
  const world = World.settled();
  const silent = world.worker('silent');
  const job = world.submit(world.relay(), 'j');
  world.report(silent, [running('j')]);
  world.worker('other');
  world.mute.add(silent);
  world.advance(9_999);
  expect(world.closed()).toEqual([]);
  expect(world.workerCalled('silent').connection).toBe(silent);
  world.advance(1);
  expect(world.closed()).toEqual([`${silent} silent`]);
  expect(world.workerCalled('silent').connection).toBeNull();
  expect(job.current?.worker).toBe('silent');
  world.advance(2_000);
  expect(job.current).toMatchObject({ worker: 'other', number: 2 });
});

test('a silent relay is closed, and its jobs wait for it as after any lost connection', () => {
  const world = World.settled();
  world.worker('w');
  const relay = world.relay();
  const job = world.submit(relay, 'j');
  world.mute.add(relay);
  world.advance(10_000);
  expect(world.closed()).toEqual([`${relay} silent`]);
  expect(world.cluster.relays).toEqual([]);
  expect(jobState(job)).toBe('running');
  world.advance(30_000);
  expect(job.endRequested).toBe('SIGTERM');
});

test('whoever is heard of once in a while stays, however long it has nothing to say', () => {
  const world = World.settled();
  const worker = world.worker('w');
  world.mute.add(worker);
  for (let index = 0; index < 10; index += 1) {
    world.advance(9_999);
    world.cluster.heard(worker, world.now);
  }
  expect(world.workerCalled('w').connection).toBe(worker);
  world.advance(9_999);
  expect(world.closed()).toEqual([]);
  world.advance(1);
  expect(world.closed()).toEqual([`${worker} silent`]);
});

test('the end of a connection that was closed for its silence means nothing more', () => {
  const world = World.settled();
  const worker = world.worker('w');
  world.mute.add(worker);
  world.advance(10_000);
  expect(world.disconnect(worker)).toEqual([]);
});

test('hearing from a connection that is gone does not bring it back', () => {
  const world = World.settled();
  const worker = world.worker('w');
  world.disconnect(worker);
  world.cluster.heard(worker, world.now);
  world.advance(2_000);
  expect(world.cluster.workers.size).toBe(0);
  expect(world.cluster.nextDeadline).toBeNull();
});

test('time never goes back, whatever the clock of the caller says', () => {
  const world = World.settled();
  world.now = 10_000;
  world.worker('w');
  world.now = 5_000;
  expect(world.submit(world.relay(), 'j').submittedAt).toBe(10_000);
});
