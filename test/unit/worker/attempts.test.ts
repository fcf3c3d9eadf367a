import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { JobSpec } from '#shared/job.ts';
import type { AttemptRecord } from '#shared/protocol/record.ts';
import { Attempts } from '../../../worker/attempts/attempts.ts';
import type { ProcessOptions } from '../../../worker/transcoder/process.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const KILL_GRACE_MS = 5_000;

const job: JobSpec = {
  ...{
    jobId: 'j',
    session: null,
    jobClass: 'playback',
    title: 't',
    local: true,
    env: {},
    changes: [],
    plexPass: false,
  },
  ...{ argv: ['-y'], cwd: '/transcode' },
};

const HARDWARE = { api: 'cuda', decoder: null, encoder: 'h264_nvenc' } as const;

/** Attempts whose transcoders start at once and end when the test says so. */
function world(silent = false, argv: JobSpec['argv'] = ['-y'], env: JobSpec['env'] = {}) {
  const clock = new FakeClock();
  const started: Omit<ProcessOptions, 'fence'>[] = [];
  const gpuFailures: string[] = [];
  const fenceKills: string[] = [];
  const sent: string[] = [];
  const records: AttemptRecord[] = [];
  const ends: string[] = [];
  const signs: (string | null)[] = [];
  let traffic = (): number | null => null;
  const attempts = new Attempts(
    {
      clock,
      logger: pino({ level: 'silent' }),
      killGraceMs: KILL_GRACE_MS,
      whyNotNow: () => null,
      whyRefused: () => null,
      commandOf: ({ job: { cwd } }, number) => ({
        ...{ changes: [{ name: 'resumed', detail: 'at segment 3' }], hardware: HARDWARE, silent },
        command: {
          ...{ file: 't', argv, env: {}, cwd, ownership: { file: 'o', number, writer: 'w' } },
          confinement: { roots: [], files: [] },
        },
      }),
      run: (options) => {
        started.push(options);
        clock.after(0, () => options.handlers.started());
        return { pid: 1, hold: () => undefined, end: (signal) => ends.push(signal) };
      },
      signsOf: () => ({ standing: signs.shift() ?? null, traffic: traffic() }),
      send: ({ stream, data }) => sent.push(`${stream} ${Buffer.from(data, 'base64')}`),
      record: (record) => records.push(record),
      gpuFailed: (failure) => gpuFailures.push(failure),
      fenceKilled: () => fenceKills.push('killed'),
    },
    () => undefined,
  );
  const want = (...numbers: number[]): void => {
    const desired = numbers.map((attempt) => ({ jobId: 'j', attempt, end: null, handBack: false }));
    attempts.reconcile(desired, () => ({
      job: { ...job, env },
      resume: null,
      software: false,
      encoder: null,
      gpu: null,
    }));
    clock.advance(0);
  };
  const transferring = (bytes: () => number | null): void => {
    traffic = bytes;
  };
  return {
    clock,
    started,
    gpuFailures,
    fenceKills,
    sent,
    records,
    ends,
    signs,
    transferring,
    attempts,
    want,
  };
}

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
    handlers?.output('stderr', Buffer.from(`1\n2\r3\n4\n\n5\n${long}\n`));
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

test('what a worker changed in a command is told once, and once more on the next connection', () => {
  const { records, attempts, want } = world(false, ['-hwaccel', 'cuda', '-y']);
  want(1);
  const told = {
    type: 'record',
    jobId: 'j',
    attempt: 1,
    splices: [{ at: 0, remove: 0, insert: ['-hwaccel', 'cuda'] }],
  };
  expect(records).toEqual([told]);
  attempts.resend();
  expect(records).toEqual([told, told]);
});

test('of a command that was not changed, and says nothing, nothing is told', () => {
  const { started, records, attempts, want } = world(true, ['-y']);
  want(1);
  started[0]?.handlers.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  attempts.resend();
  expect(records).toEqual([]);
});

test('the end of what a hook does not get is told with the end, and once more on the next connection', () => {
  const { started, records, sent, attempts, want } = world(true, ['-y']);
  want(1);
  started[0]?.handlers.output('stderr', Buffer.alloc(70_000, 'a'));
  started[0]?.handlers.output('stderr', Buffer.from('last'));
  expect(records).toEqual([]);
  started[0]?.handlers.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  attempts.resend();
  const stderr = Buffer.from(`${'a'.repeat(65_532)}last`).toString('base64');
  expect(records).toEqual([1, 2].map(() => ({ type: 'record', jobId: 'j', attempt: 1, stderr })));
  expect(sent).toEqual([]);
});

test('nor in why it was refused, which stays short enough to be told', () => {
  for (const value of ['pwd=short ', 'bare-plex-token ']) {
    const { started, attempts, want } = world(false, ['-y'], { X_PLEX_TOKEN: 'bare-plex-token' });
    want(1);
    started[0]?.handlers.failed(`no place for ${value.repeat(2_000)}`, false);
    const { reason, message } = attempts.statuses[0]?.outcome ?? {};
    expect(reason).toBe('refused');
    expect(message).toMatch(/^no place for [^ ]*\[redacted\] /);
    expect(message).not.toMatch(/short|bare-plex-token/);
    expect(message?.length).toBeLessThanOrEqual(8_192);
  }
});

test('a secret of the command is not in its transcoder’s last words', () => {
  const { started, attempts, want } = world(false, ['-y'], { X_PLEX_TOKEN: 'bare-plex-token' });
  want(1);
  started[0]?.handlers.output('stderr', Buffer.from(`${'x'.repeat(290)} bare-plex-token\nbare-plex-token`));
  started[0]?.handlers.ended({ exitCode: 1, signal: null, forced: false, superseded: false });
  expect(attempts.statuses[0]?.outcome?.message).toMatch(/^x{290} \[redacted\n\[redacted\]$/);
});

test('what uses files of a mount that is another one now is ended, and nothing else', () => {
  const argv = ['-i', '/mnt/other/../dfs/film.mkv', '-i', 'subtitles.srt', 'out.mkv'];
  for (const [directory, expected] of [
    ['/mnt/dfs2', []],
    ['/mnt/other', []],
    ['/mnt/dfs', ['SIGTERM']],
    ['/transcode', ['SIGTERM']],
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
