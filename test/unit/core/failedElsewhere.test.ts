import { expect, test } from 'vitest';
import { ended, World } from './world.ts';

/** A job that failed at once on `a`, where `b` was there to try it again and had no slot. */
function failedOnA(local: boolean): { world: World; b: number } {
  const world = World.settled();
  const relay = world.relay();
  const a = world.worker('a');
  world.submit(relay, 'job', { local });
  const b = world.worker('b');
  world.submit(relay, 'other');
  world.report(a, [ended('job', { exitCode: 9 })]);
  expect(world.job('job').outcome).toBeNull();
  return { world, b };
}

test.each([true, false])('when nobody is left to try again, the failure stands (local: %s)', (local) => {
  const { world, b } = failedOnA(local);
  world.disconnect(b);
  world.advance(world.settings.workerReconnectMs);
  expect(world.job('job').outcome).toMatchObject({ reason: 'exited', exitCode: 9 });
});

test('when nobody tried again within the queue deadline, the failure stands', () => {
  const { world } = failedOnA(false);
  world.advance(world.settings.queueTimeoutMs.playback);
  expect(world.job('job').outcome).toMatchObject({ reason: 'exited', exitCode: 9 });
});

test.each([{ ready: false }, null])(
  'a worker that is not there to try again is not waited for (%j)',
  (fields) => {
    const world = World.settled();
    const relay = world.relay();
    const a = world.worker('a');
    world.submit(relay, 'job');
    const b = world.worker('b', fields ?? {});
    if (fields === null) world.disconnect(b);
    world.report(a, [ended('job', { exitCode: 9 })]);
    expect(world.job('job').outcome).toMatchObject({ reason: 'exited', exitCode: 9 });
  },
);
