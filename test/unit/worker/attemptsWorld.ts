import { pino } from 'pino';
import type { JobSpec } from '#shared/job.ts';
import type { AttemptRecord } from '#shared/protocol/record.ts';
import { Attempts } from '../../../worker/attempts/attempts.ts';
import type { ProcessOptions } from '../../../worker/transcoder/process.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

export const KILL_GRACE_MS = 5_000;

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

export const HARDWARE = { api: 'cuda', decoder: null, encoder: 'h264_nvenc' } as const;

/** Attempts whose transcoders start at once and end when the test says so. */
export function world(silent = false, argv: JobSpec['argv'] = ['-y'], env: JobSpec['env'] = {}) {
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
