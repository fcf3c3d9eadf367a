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
