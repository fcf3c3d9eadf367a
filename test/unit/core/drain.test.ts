import { expect, test } from 'vitest';
import { ended, running, World } from './world.ts';

const background = { jobClass: 'background' } as const;

/** A worker with a playback and a background job, and one beside it. */
function busy() {
  const world = World.settled({ drainTimeoutMs: 10_000 });
  const a = world.worker('a', { slots: 2 });
  const relay = world.relay();
  const [film, scan] = [world.submit(relay, 'film'), world.submit(relay, 'scan', background)];
  world.worker('b', { slots: 2 });
  world.report(a, [running('film'), running('scan')]);
  world.handle({ type: 'drain', worker: 'a', drained: true });
  return { world, a, film, scan };
}

const ends = (world: World, name: string) =>
  [...world.workerCalled(name).attempts.values()].map(({ jobId, end, handBack }) => [jobId, end, handBack]);

test('background jobs of a drained worker move at once, when they have ended there', () => {
  const { world, a, scan } = busy();
  expect(ends(world, 'a')).toEqual([
    ['film', null, false],
    ['scan', 'SIGTERM', true],
  ]);
  expect(world.list('b')).toEqual([]);
  world.report(a, [
    running('film'),
    ended('scan', { reason: 'lost', exitCode: 255, message: 'a was drained' }),
  ]);
  expect(scan.current).toMatchObject({ worker: 'b', number: 2, end: null });
  expect(scan.story.map(({ message }) => message)).toContain('a was drained');
});

test('playback goes on there until the timeout, and then moves', () => {
  const { world, a, film } = busy();
  world.report(a, [
    running('film'),
    ended('scan', { reason: 'lost', exitCode: 255, message: 'a was drained' }),
  ]);
  world.advance(9_999);
  expect(ends(world, 'a')).toEqual([['film', null, false]]);
  world.advance(1);
  expect(ends(world, 'a')).toEqual([['film', 'SIGTERM', true]]);
  world.report(a, [ended('film', { reason: 'lost', signal: 'SIGTERM' })]);
  expect(film.current).toMatchObject({ worker: 'b', number: 2 });
});

test('a worker that is put back in service keeps its playback', () => {
  const { world } = busy();
  world.handle({ type: 'drain', worker: 'a', drained: false });
  world.advance(60_000);
  expect(ends(world, 'a')).toContainEqual(['film', null, false]);
});

test('what PMS ends meanwhile has ended', () => {
  const { world, a, scan } = busy();
  world.handle({ type: 'cancel', jobId: 'scan', signal: 'SIGTERM' });
  world.report(a, [running('film'), ended('scan', { reason: 'cancelled', exitCode: 255 })]);
  expect(scan.outcome).toMatchObject({ reason: 'cancelled', exitCode: 255 });
});

/** Two scaled workers of which the second is to go, with a film on each. */
function shrinking() {
  const world = World.settled({ drainTimeoutMs: 10_000 });
  const scaled = (...leaving: string[]) =>
    world.handle({ type: 'scaled', groups: new Set(['default']), leaving: new Set(leaving) });
  const connections = [world.worker('w-0', { slots: 2 }), world.worker('w-1', { slots: 2 })] as const;
  scaled();
  const relay = world.relay();
  for (const film of ['one', 'two']) world.submit(relay, film);
  world.report(connections[0], [running('one')]);
  world.report(connections[1], [running('two')]);
  scaled('w-1');
  return { world, relay, scaled, connections };
}

test('who is to go keeps its playback until the timeout, and gets nothing new', () => {
  const { world, relay } = shrinking();
  expect(world.submit(relay, 'three').current?.worker).toBe('w-0');
  world.advance(9_999);
  expect(ends(world, 'w-1')).toEqual([['two', null, false]]);
  world.advance(1);
  expect(ends(world, 'w-1')).toEqual([['two', 'SIGTERM', true]]);
});

test('a job that only finds workers that are to go waits for them to be called back', () => {
  const { world, relay, scaled } = shrinking();
  world.submit(relay, 'three');
  const late = world.submit(relay, 'four');
  expect(late).toMatchObject({ outcome: null, current: null });
  expect(world.cluster.whyWaiting(late)).toBe('all 2 slots of 1 workers are taken');
  scaled();
  expect(late.current?.worker).toBe('w-1');
  world.advance(60_000);
  expect(ends(world, 'w-1')).toEqual([
    ['two', null, false],
    ['four', null, false],
  ]);
  scaled('w-0', 'w-1');
  const waiting = world.submit(relay, 'five');
  expect(world.cluster.whyWaiting(waiting)).toMatch(/^all 2 workers that may take it are to go/);
});

test('who runs what nobody could take that stays is held, as long as it runs', () => {
  const { world, relay, scaled, connections } = shrinking();
  scaled();
  const isHeld = (...others: string[]) =>
    world.cluster.isHeld(world.workerCalled('w-1'), new Set(['w-1', ...others]), new Map());
  // Who goes as well does not count.
  expect([isHeld(), isHeld('w-0')]).toEqual([false, true]);
  world.job('two').avoid.add('w-0');
  expect(isHeld()).toBe(true);
  world.job('two').avoid.clear();
  world.submit(relay, 'three');
  expect([world.spread(), isHeld()]).toEqual([[2, 1], true]);
  world.worker('x-0', { group: 'other' });
  expect(isHeld()).toBe(false);
  world.handle({ type: 'scaled', groups: new Set(['default', 'other']), leaving: new Set(['x-0']) });
  expect(isHeld()).toBe(true);
  world.report(connections[1], [ended('two', { exitCode: 0, readError: 'Input/output error' })]);
  expect([world.job('two').current?.phase, isHeld()]).toEqual(['ended', true]);
  world.handle({ type: 'cancel', jobId: 'two', signal: 'SIGTERM' });
  expect(isHeld()).toBe(false);
});

test('whom a person drained stays drained when the scale rises, and the other way round', () => {
  const { world, relay, scaled } = shrinking();
  world.handle({ type: 'drain', worker: 'w-1', drained: true });
  scaled();
  world.submit(relay, 'three');
  expect(world.submit(relay, 'four').current).toBeNull();
  scaled('w-1');
  world.handle({ type: 'drain', worker: 'w-1', drained: false });
  expect(world.job('four').current).toBeNull();
  world.advance(10_000);
  expect(ends(world, 'w-1')).toEqual([['two', 'SIGTERM', true]]);
});

test('who is to go is still to go when it comes back', () => {
  const { world, relay, connections } = shrinking();
  world.disconnect(connections[1]);
  world.worker('w-1', { slots: 2, instance: 'another' });
  expect(world.workerCalled('w-1').leavingSince).not.toBeNull();
  for (const film of ['three', 'four']) world.submit(relay, film);
  expect(world.spread()).toEqual([2, 0]);
});
