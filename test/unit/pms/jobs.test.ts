import { pino } from 'pino';
import { beforeEach, expect, test, vi } from 'vitest';
import type { JobSpec, Outcome } from '#shared/job.ts';
import type { LinkHandlers } from '#shared/protocol/link.ts';
import type { Message, Status } from '#shared/protocol/messages.ts';
import type { Before, RelayLine } from '../../../pms/hookProtocol.ts';
import { HeldJob } from '../../../pms/relay/heldJob.ts';
import { Jobs } from '../../../pms/relay/jobs.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const SPEC: JobSpec = {
  ...{ jobId: 'j', session: null, jobClass: 'playback', title: 't', local: true },
  ...{ argv: ['-y'], env: {}, cwd: '/', changes: [], plexPass: false },
};
const EXITED: Outcome = {
  ...{ reason: 'exited', exitCode: 0, signal: null, forced: false, message: null, outputBytes: 0 },
};

let clock: FakeClock;
let sent: Message<'relayToOrchestrator'>[];
let lines: RelayLine[];
let handlers: LinkHandlers<'relay'>;
let jobs: Jobs;
const link = { up: false };
const fence = vi.fn<(job: JobSpec) => void>();

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  lines = [];
  fence.mockReset();
  link.up = true;
  jobs = new Jobs({
    ...{ name: 'relay', clock, fence, logger: pino({ level: 'silent' }) },
    waitMs: { local: 1_000, remoteOnly: 5_000 },
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
});

function hold(before: Before | null = null): HeldJob {
  const hook = { send: (line: RelayLine) => void lines.push(line), close: () => undefined };
  const job = new HeldJob(SPEC, hook, { scopes: [], credential: null }, before);
  jobs.hold(job);
  return job;
}

function status(fields: Partial<Status>): void {
  const base = { jobId: 'j', state: 'running', attempt: 1, worker: 'w', outcome: null } as const;
  handlers.message({ type: 'status', ...base, ...fields });
}

function output(attempt: number, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
  const data = Buffer.from(text).toString('base64');
  handlers.message({ type: 'output', jobId: 'j', attempt, offset: 0, stream, data });
}

function reconnect(): void {
  link.up = false;
  handlers.lost('gone');
  sent = [];
  link.up = true;
  handlers.message({ type: 'welcome', orchestrator: 'o', term: 0, heartbeatMs: 1_000 });
}

const types = () => sent.map(({ type }) => type);

test('after a reconnect it asks for what was written meanwhile, as soon as the attempt is known', () => {
  const job = hold();
  status({});
  output(1, 'abc');
  jobs.received(job, { type: 'received', offset: 2 });
  reconnect();
  status({ state: 'queued', attempt: 1, worker: null });
  expect(types()).toEqual(['submit']);
  status({});
  expect(sent.at(-1)).toEqual({ type: 'received', jobId: 'j', attempt: 1, offset: 2, again: true });
  status({});
  expect(types()).toEqual(['submit', 'received']);
});

test('so it does when it did not even hear that the job was placed', () => {
  hold();
  reconnect();
  status({ state: 'ended', worker: null, outcome: { ...EXITED, outputBytes: 5 } });
  expect(sent.at(-1)).toEqual({ type: 'received', jobId: 'j', attempt: 1, offset: 0, again: true });
});

test('a hook that comes from another relay asks likewise', () => {
  hold({ received: 9, cursor: '3 4 0' });
  status({ attempt: 3 });
  expect(sent.at(-1)).toEqual({ type: 'received', jobId: 'j', attempt: 3, offset: 5, again: true });
});

test('nothing more is sent for a job that just runs', () => {
  hold();
  status({ state: 'queued', attempt: 0, worker: null });
  status({});
  status({ state: 'ended', worker: null, outcome: EXITED });
  expect(types()).toEqual(['submit', 'release']);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 0 });
});

test('a signal outlives the connection over which it went', () => {
  const job = hold();
  status({});
  jobs.signalled(job, { type: 'signal', signal: 'SIGINT' });
  reconnect();
  expect(sent.at(-1)).toEqual({ type: 'end', jobId: 'j', signal: 'SIGINT' });
});

test('output that never comes makes the end a failure', () => {
  hold();
  status({});
  status({ state: 'ended', worker: null, outcome: { ...EXITED, outputBytes: 5 } });
  expect(lines.at(-1)).toEqual({ type: 'accepted' });
  clock.advance(10_000);
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 70 });
});

test('a job of which PMS has read stdout is not begun again, neither elsewhere nor here', () => {
  hold();
  status({});
  output(1, 'abc', 'stderr');
  status({ attempt: 2, worker: 'x' });
  output(2, 'frames');
  status({ attempt: 3, worker: 'y' });
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 75 });
  expect(types()).toEqual(['submit', 'release']);
  hold();
  status({});
  output(1, 'frames');
  status({ state: 'ended', worker: null, outcome: { ...EXITED, exitCode: null, reason: 'lost' } });
  expect(lines.at(-1)).toEqual({ type: 'exit', code: 75 });
});

test('a job whose hook goes while the orchestrator is away is taken from its worker', () => {
  const job = hold();
  status({});
  link.up = false;
  handlers.lost('gone');
  jobs.hookClosed(job);
  expect(fence).toHaveBeenCalledExactlyOnceWith(SPEC);
});

test('one of which no orchestrator has heard is left alone, and so are all when the relay stops', () => {
  const job = hold();
  status({});
  jobs.stop();
  jobs.hookClosed(job);
  jobs.hookClosed(hold());
  expect(fence).not.toHaveBeenCalled();
});

test('a directory that PMS has deleted is no reason to fail', () => {
  fence.mockImplementation(() => {
    throw new Error('ENOENT');
  });
  const job = hold();
  status({});
  link.up = false;
  handlers.lost('gone');
  jobs.hookClosed(job);
  expect([...jobs.held]).toEqual([]);
});
