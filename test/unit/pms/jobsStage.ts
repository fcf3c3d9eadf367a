import { pino } from 'pino';
import { vi } from 'vitest';
import type { JobSpec, Outcome } from '#shared/job.ts';
import type { LinkHandlers } from '#shared/protocol/link.ts';
import type { Message, Status } from '#shared/protocol/messages.ts';
import type { Before, RelayLine } from '../../../pms/hookProtocol.ts';
import { HeldJob } from '../../../pms/relay/heldJob.ts';
import { Jobs } from '../../../pms/relay/jobs.ts';
import type { Accepted } from '../../../pms/relay/records.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

export const SPEC: JobSpec = {
  ...{ jobId: 'j', session: null, jobClass: 'playback', title: 't', local: true },
  ...{ argv: ['-y'], env: {}, cwd: '/', changes: [], plexPass: false },
};
export const EXITED: Outcome = {
  ...{
    reason: 'exited',
    exitCode: 0,
    signal: null,
    forced: false,
    message: null,
    stdoutBytes: 0,
    stderrBytes: 0,
    readError: null,
  },
};

export const SEGMENTED: JobSpec = {
  ...SPEC,
  argv: ['-i', 'film.mkv', '-f', 'ssegment', '-segment_time', '1', '-segment_format', 'mpegts', 'm-%05d.ts'],
};
export const LIST = 'm-00000.ts,0.000000,1.000000\nm-00001.ts,1.000000,2.000000\n';
export const ACCEPTED: Accepted = {
  jobId: 'j',
  attempt: 2,
  duration: 60,
  documents: [LIST],
};
export const RETURNED: Before = { received: 0, cursor: null, runsHere: false };

export let clock: FakeClock;
export let sent: Message<'relayToOrchestrator'>[];
export let lines: RelayLine[];
export let handlers: LinkHandlers<'relay'>;
export let jobs: Jobs;
export const link = { up: false };
export const fence = vi.fn<(job: JobSpec, done: (fenced: boolean) => void) => void>();
export const dropped = vi.fn<(job: HeldJob) => void>();

/** Before each test: a relay that has heard and said nothing. */
export function freshStage(): void {
  clock = new FakeClock();
  sent = [];
  lines = [];
  fence.mockReset().mockImplementation((_job, done) => done(true));
  dropped.mockReset();
  link.up = true;
  jobs = new Jobs({
    ...{ name: 'relay', clock, fence, logger: pino({ level: 'silent' }) },
    dropped,
    waitMs: { local: 1_000, remoteOnly: 5_000, running: 60_000 },
    openLink: (given) => {
      handlers = given;
      return {
        get up() {
          return link.up;
        },
        start: () => undefined,
        stop: () => {
          link.up = false;
        },
        send: (message) => {
          if (link.up) sent.push(message);
        },
      };
    },
  });
}

export function hold(
  before: Before | null = null,
  spec: JobSpec = SPEC,
  accepted: Accepted | null = null,
): HeldJob {
  const hook = { send: (line: RelayLine) => void lines.push(line), close: () => undefined };
  const job = new HeldJob(
    spec,
    hook,
    { scopes: [], credential: null, localArgv: spec.argv },
    before,
    accepted,
  );
  jobs.hold(job);
  return job;
}

export function status(fields: Partial<Status>): void {
  const base = { jobId: 'j', state: 'running', attempt: 1, worker: 'w', outcome: null } as const;
  handlers.message({ type: 'status', term: 0, ...base, ...fields });
}

export function output(attempt: number, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
  const data = Buffer.from(text).toString('base64');
  handlers.message({ type: 'output', jobId: 'j', attempt, offset: 0, stream, data });
}

export function lose(): void {
  link.up = false;
  handlers.lost('gone');
}

export function reconnect(): void {
  lose();
  sent = [];
  link.up = true;
  handlers.message({ type: 'welcome', orchestrator: 'o', term: 0, heartbeatMs: 1_000 });
}

export const types = () => sent.map(({ type }) => type);
