import { expect, test } from 'vitest';
import { KILL_GRACE_MS, world } from './attemptsWorld.ts';

test('an attempt that waits for one that can’t be ended is lost, so that another worker may have the job', () => {
  const { clock, started, attempts, want } = world();
  want(1);
  want(2);
  clock.advance(KILL_GRACE_MS + 4_999);
  expect(attempts.statuses.map(({ phase }) => phase)).toEqual(['running', 'preparing']);
  clock.advance(1);
  expect(attempts.statuses[1]).toMatchObject({
    attempt: 2,
    phase: 'ended',
    outcome: { reason: 'lost', message: 'an earlier attempt of the job does not end on this worker' },
  });
  expect(started).toHaveLength(1);
});

test('an attempt whose predecessor ends in time starts then, and is not given up later', () => {
  const { clock, started, attempts, want } = world();
  want(1);
  want(2);
  clock.advance(KILL_GRACE_MS);
  started[0]?.handlers.ended({ exitCode: null, signal: 'SIGKILL', forced: true, superseded: false });
  clock.advance(60_000);
  expect(started).toHaveLength(2);
  expect(attempts.statuses).toMatchObject([{ attempt: 2, phase: 'running' }]);
});

test('an attempt that is listed no longer is lost, not cancelled: the next orchestrator may start the job again', () => {
  const { started, attempts, want } = world();
  want(1);
  want();
  want(1);
  started[0]?.handlers.ended({ exitCode: null, signal: 'SIGTERM', forced: false, superseded: false });
  expect(attempts.statuses).toMatchObject([
    {
      attempt: 1,
      phase: 'ended',
      outcome: { reason: 'lost', message: 'the orchestrator lists it no longer' },
    },
  ]);
});

test('a transcoder that the fence killed is told of, and one that ended otherwise is not', () => {
  const { started, fenceKills, attempts, want } = world();
  for (const [number, superseded] of [
    [1, false],
    [2, true],
  ] as const) {
    want(number);
    started.at(-1)?.handlers.ended({ exitCode: null, signal: 'SIGKILL', forced: false, superseded });
    expect(fenceKills).toHaveLength(number - 1);
  }
  expect(attempts.statuses).toMatchObject([{ outcome: { message: 'another attempt owns the job' } }]);
});

test.each([
  [1, 'lost', ['lost']],
  [0, undefined, []],
])('exit code %i after a word of a lost GPU says: %s', (exitCode, gpuFailure, told) => {
  const { started, gpuFailures, attempts, want } = world();
  want(1);
  const handlers = started[0]?.handlers;
  handlers?.output('stderr', Buffer.from('Device creation failed: -5.\n'));
  handlers?.ended({ exitCode, signal: null, forced: false, superseded: false });
  expect(attempts.statuses[0]?.outcome?.gpuFailure).toBe(gpuFailure);
  expect(gpuFailures).toEqual(told);
});

test('a transcoder that was told to end says nothing of its GPU', () => {
  const { started, gpuFailures, attempts, want } = world();
  want(1);
  started[0]?.handlers.output('stderr', Buffer.from('Device creation failed: -5.\n'));
  want();
  started[0]?.handlers.ended({ exitCode: 255, signal: null, forced: false, superseded: false });
  expect(gpuFailures).toEqual([]);
  expect(attempts.statuses).toEqual([]);
});

test.each([
  [true, 0],
  [false, 37],
])('what a transcoder says that was to be silent (%s) is for its worker alone', (silent, stderrBytes) => {
  const { started, sent, attempts, want } = world(silent, ['-i', '/mapped/film.mkv', 'out']);
  want(1);
  const handlers = started[0]?.handlers;
  handlers?.output('stderr', Buffer.from('/mapped/film.mkv: Input/output'));
  handlers?.output('stderr', Buffer.from(' error\n'));
  handlers?.output('stdout', Buffer.from('o'));
  handlers?.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  expect(attempts.statuses[0]?.outcome).toMatchObject({
    ...{ readError: 'Input/output error', stdoutBytes: 1, stderrBytes },
    message: '/mapped/film.mkv: Input/output error',
  });
  expect(sent.filter((each) => each.startsWith('stderr'))).toHaveLength(silent ? 0 : 2);
});

test('the last lines of a failure are its message, and of nothing else', () => {
  for (const exitCode of [0, 1]) {
    const { started, attempts, want } = world();
    want(1);
    const handlers = started[0]?.handlers;
    const long = `6 ${'x'.repeat(1_000)}`;
    const banner = 'ffmpeg version 4.2\n  built with gcc\n  libavcodec     58. 35.100 / 58. 35.100\n';
    handlers?.output('stderr', Buffer.from(`1\n2\r3\n4\n\n5\n${banner}${long}\n`));
    handlers?.ended({ exitCode, signal: null, forced: false, superseded: false });
    const message = exitCode === 0 ? null : `2\n3\n4\n5\n6 ${'x'.repeat(298)}`;
    expect(attempts.statuses[0]?.outcome?.message).toBe(message);
  }
});

test('an attempt of which nothing has run from one look to the next stands still, until something does', () => {
  const { clock, signs, attempts, want } = world();
  want(1);
  signs.push('a', 'a', 'a', 'b', 'b', null, 'b');
  const seen = Array.from({ length: 7 }, () => {
    clock.advance(1_000);
    return attempts.statuses[0]?.still;
  });
  expect(seen).toEqual([undefined, true, true, undefined, true, undefined, undefined]);
});

test('one that runs and neither reads nor writes for a minute stands still, until it does', () => {
  const { clock, transferring, attempts, want } = world();
  let bytes: number | null = 1;
  transferring(() => bytes);
  want(1);
  const stillAfter = (seconds: number): boolean => {
    clock.advance(seconds * 1_000);
    return attempts.statuses[0]?.still ?? false;
  };
  expect([stillAfter(60), stillAfter(1)]).toEqual([false, true]);
  bytes = 2;
  expect([stillAfter(1), stillAfter(59), stillAfter(1)]).toEqual([false, false, true]);
  bytes = null;
  expect([stillAfter(1), stillAfter(200)]).toEqual([false, false]);
});

test('what uses files of a mount that is another one now is ended, and nothing else', () => {
  const argv = ['-i', '/mnt/other/../dfs/film.mkv', '-i', 'subtitles.srt', 'out.mkv'];
  for (const [directory, expected] of [
    ['/mnt/dfs2', []],
    ['/mnt/other', []],
    ['/mnt/dfs', ['SIGKILL']],
    ['/transcode', ['SIGKILL']],
  ] as const) {
    const { attempts, ends, started, want } = world(false, argv);
    want(1);
    attempts.leave(directory, 'it is another mount');
    expect({ directory, ends }).toEqual({ directory, ends: expected });
    if (expected.length === 0) continue;
    started[0]?.handlers.ended({ exitCode: 255, signal: null, forced: false, superseded: false });
    expect(attempts.statuses[0]?.outcome).toMatchObject({ reason: 'lost', message: 'it is another mount' });
  }
});
