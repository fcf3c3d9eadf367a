import { expect, test } from 'vitest';
import type { Outcome } from '#shared/job.ts';
import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import { jobState } from '../../../orchestrator/core/model.ts';
import { ended, running, World } from './world.ts';

/** A job of 100 s on `a`, with `b` free beside it. */
function playing() {
  const world = World.settled();
  const a = world.worker('a');
  const relay = world.relay();
  const job = world.submit(relay, 'j');
  const b = world.worker('b');
  world.report(a, [running('j')]);
  const told = (fields: Partial<Checkpoint>): void => {
    const nothing = { speed: null, announced: 0, resume: null, obstacle: null, readError: null };
    const message = { ...nothing, attempt: 1, progress: 0, duration: 100, ...fields };
    world.handle({
      type: 'relay-message',
      connection: relay,
      message: { type: 'checkpoint', jobId: 'j', ...message },
    });
  };
  const exits = (worker: number, outcome: Partial<Outcome> = {}, attempt = 1): void => {
    world.report(worker, [ended('j', { exitCode: 0, ...outcome }, attempt)]);
  };
  return { world, relay, job, a, b, told, exits };
}

const story = (job: World['job'] extends (id: string) => infer J ? J : never): string =>
  job.story.map(({ message }) => message).join('\n');

test('exit code 0 far from the end: another worker goes on where PMS is', () => {
  const { world, a, b, job, told, exits } = playing();
  told({ progress: 40, resume: { segment: 8, seconds: 40 } });
  exits(a, { stderrBytes: 3 });
  expect(jobState(job)).toBe('running');
  expect(world.list('a')).toEqual(['j/1']);
  world.advance(3_000);
  expect(job.current).toMatchObject({ worker: 'b', number: 2, resume: { segment: 8 } });
  expect(world.list('a')).toEqual([]);
  expect(story(job)).toContain('exit code 0 is not believed: it ended at 40 s of 100 s');
  told({ attempt: 2, progress: 100 });
  exits(b, {}, 2);
  expect(job.outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
});

test('the relay’s last word, which comes another way, settles it at once', () => {
  const { a, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a);
  expect(job.outcome).toBeNull();
  told({ progress: 99 });
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

test.each<[string, Partial<Checkpoint>]>([
  ['near the end', { progress: 91 }],
  ['at the end, by its segments', { progress: 5, resume: { segment: 20, seconds: 100 } }],
  ['after the end', { progress: 140 }],
  ['of a job that ends where it wants to', { progress: 40, duration: null }],
  ['of a job that says nothing of its progress', { progress: null }],
  ['of an input whose length the transcoder does not know', { progress: -1 }],
  ['of an attempt of which nothing is known', { attempt: 0, progress: 40 }],
])('it is believed %s', (_, fields) => {
  const { a, job, told, exits } = playing();
  told(fields);
  exits(a);
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

test.each<[string, Partial<Outcome>]>([
  ['an exit code that is none', { exitCode: 1, stderrBytes: 1 }],
  ['stdout that PMS has read', { stdoutBytes: 1 }],
  ['an end that was asked for', { reason: 'cancelled' }],
])('%s is not doubted', (_, outcome) => {
  const { a, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a, outcome);
  expect(job.outcome).toMatchObject(outcome);
});

test('nor is what PMS asked for an end of, before or after', () => {
  for (const isLate of [false, true]) {
    const { world, relay, a, job, told, exits } = playing();
    told({ progress: 40 });
    if (isLate) exits(a);
    const message = { type: 'end', jobId: 'j', signal: 'SIGTERM' } as const;
    world.handle({ type: 'relay-message', connection: relay, message });
    if (!isLate) exits(a);
    expect(job.outcome).toMatchObject({ reason: 'cancelled', exitCode: 0 });
    world.advance(5_000);
    expect(job.attempts).toHaveLength(1);
    world.release(relay, 'j');
    expect(world.list('a')).toEqual([]);
  }
});

test('a relay that is away may know more', () => {
  const { world, relay, a, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a);
  world.disconnect(relay);
  world.advance(3_000);
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

test('and another one knows less', () => {
  const { world, relay, a, job, told, exits } = playing();
  told({ progress: 40 });
  world.disconnect(relay);
  world.submit(world.relay('again'), 'j', {}, 1);
  exits(a);
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

test('what ends in the same place twice is the file, and no third attempt is made', () => {
  const { world, a, b, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a);
  world.advance(3_000);
  told({ attempt: 2, progress: 44 });
  exits(b, {}, 2);
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

test('so it is when the second one finds nothing there and fails', () => {
  const { world, a, b, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a);
  world.advance(3_000);
  told({ attempt: 2, progress: 40 });
  exits(b, { exitCode: 234 }, 2);
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

test('but one that can’t open the file, or fails later, has failed', () => {
  for (const progress of [null, 70]) {
    const { world, a, b, job, told, exits } = playing();
    told({ progress: 40 });
    exits(a);
    world.advance(3_000);
    if (progress !== null) told({ attempt: 2, progress });
    exits(b, { exitCode: 1 }, 2);
    expect(job.outcome).toMatchObject({ exitCode: 1 });
  }
});

test('each attempt that came further is followed by another, up to a limit', () => {
  const { world, job, told } = playing();
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    expect(job.current).toMatchObject({ number: attempt });
    const { connection } = world.workerCalled(job.current?.worker ?? '');
    world.report(connection ?? 0, [running('j', attempt)]);
    told({ attempt, progress: attempt * 15 });
    world.report(connection ?? 0, [ended('j', { exitCode: 0 }, attempt)]);
    world.advance(3_000);
    // Both workers were there before it; each may be tried again once the other was lost.
    job.avoid.clear();
    world.advance(1);
  }
  expect(job.outcome).toMatchObject({ exitCode: 0 });
});

const readError = 'Stale file handle';

test.each([false, true])(
  'a read error is reason enough (by the relay: %s), and never a success',
  (byRelay) => {
    const { world, a, b, job, told, exits } = playing();
    if (byRelay) told({ progress: 99, readError });
    exits(a, { readError: byRelay ? null : readError });
    world.advance(3_000);
    expect(story(job)).toContain('its input could not be read on: Stale file handle');
    expect(job.current).toMatchObject({ worker: 'b', number: 2 });
    exits(b, { readError }, 2);
    world.advance(3_000);
    expect(job.outcome).toMatchObject({ reason: 'incomplete', exitCode: null, readError });
    expect(job.outcome?.message).toBe('its input could not be read on: Stale file handle, on a, b');
  },
);

test('a read error in the same place is followed by another attempt where nobody has tried yet', () => {
  const { world, a, b, job, told, exits } = playing();
  const c = world.worker('c');
  told({ progress: 40 });
  exits(a, { readError });
  world.advance(3_000);
  told({ attempt: 2, progress: 40 });
  expect(job.current?.worker).toBe('b');
  exits(b, { readError }, 2);
  world.advance(3_000);
  expect(job.current?.worker).toBe('c');
  told({ attempt: 3, progress: 100 });
  exits(c, {}, 3);
  expect(job.outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
});

test('nor is it one when the second attempt finds nothing there, or PMS has read stdout', () => {
  const { world, a, b, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a, { readError });
  world.advance(3_000);
  told({ attempt: 2, progress: 40 });
  exits(b, { exitCode: 234 }, 2);
  expect(job.outcome).toMatchObject({ reason: 'incomplete', readError });
  const other = playing();
  other.exits(other.a, { readError, stdoutBytes: 5 });
  expect(other.job.outcome).toMatchObject({ reason: 'incomplete', stdoutBytes: 5 });
});

test('nor when no worker is left for another attempt, or all attempts are used up', () => {
  const { world, a, b, job, told, exits } = playing();
  world.disconnect(b);
  told({ progress: 40 });
  exits(a, { readError });
  world.disconnect(a);
  world.advance(60_000);
  expect(job.outcome).toMatchObject({ reason: 'incomplete', readError });

  const alone = playing();
  alone.world.disconnect(alone.b);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    alone.told({ attempt, progress: attempt * 15 });
    alone.exits(alone.a, { readError }, attempt);
    alone.world.advance(3_000);
  }
  expect(alone.job.outcome).toMatchObject({ reason: 'incomplete', readError });
});

test('a failure that blames the input is tried elsewhere, and is a failure where it is the same', () => {
  const { world, a, b, job, exits } = playing();
  world.advance(60_000);
  exits(a, { exitCode: 1, stderrBytes: 3, readError });
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
  exits(b, { exitCode: 1, readError }, 2);
  expect(job.outcome).toMatchObject({ reason: 'incomplete', readError });
});

test('a whole end after a read error is a success', () => {
  const { world, a, b, job, told, exits } = playing();
  told({ progress: 95 });
  exits(a, { readError });
  world.advance(3_000);
  told({ attempt: 2, progress: 100 });
  exits(b, {}, 2);
  expect(job.outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
});

test('a worker that is alone goes on itself', () => {
  const { world, b, a, job, told, exits } = playing();
  world.disconnect(b);
  told({ progress: 40 });
  exits(a);
  world.advance(2_999);
  expect(job.current).toMatchObject({ number: 1 });
  world.advance(1);
  expect(job.current).toMatchObject({ worker: 'a', number: 2 });
});

test('and one that was passed over is asked again when the other refuses', () => {
  const { world, a, b, job, told, exits } = playing();
  told({ progress: 40 });
  exits(a);
  world.advance(3_000);
  exits(b, { exitCode: null, reason: 'refused', message: 'no mount' }, 2);
  expect(job.current).toMatchObject({ worker: 'a', number: 3 });
});
