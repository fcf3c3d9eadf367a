import { Type } from 'typebox';
import { JobView } from '#shared/api/schemas.ts';
import type { Call, Command } from '../command.ts';
import type { Cell } from '../output.ts';
import { isFailure, standingOf } from '../standing.ts';
import { duration } from '../times.ts';

/** Of what has ended; `--all` shows the rest. */
const ENDED_SHOWN = 10;
const REDRAW_MS = 500;
const SHORT_ID = 8;

const STATES = ['queued', 'running', 'ended'];

export const jobs: Command = {
  name: 'jobs',
  summary: `the jobs that run and wait, and the last ${ENDED_SHOWN} that ended`,
  options: {
    state: { type: 'string', help: `only those that are ${STATES.join(', ')}` },
    all: { type: 'boolean', help: 'all that have ended, too' },
    watch: { type: 'boolean', help: 'again whenever something changes, until Ctrl-C' },
  },
  examples: ['clusterplex jobs', 'clusterplex jobs --watch', 'clusterplex jobs --state queued --json'],
  async run(call) {
    call.words(0);
    const state = call.text('state');
    if (state !== undefined && !STATES.includes(state)) {
      throw call.wrong(`--state is wrong: ${JSON.stringify(state)} is none of ${STATES.join(', ')}`);
    }
    await show(call);
    if (!call.has('watch')) return;
    const { promise: broken, reject } = Promise.withResolvers<never>();
    await Promise.race([redraw(call, reject), broken]);
  },
};

/** Changes come in crowds: one list for all of them. */
async function redraw(call: Call, broken: (error: unknown) => void): Promise<void> {
  let isDue = false;
  for await (const _ of call.orchestrator.events()) {
    if (isDue) continue;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      show(call).catch(broken);
    }, REDRAW_MS);
  }
}

async function show(call: Call): Promise<void> {
  const state = call.text('state');
  const all = await call.orchestrator.ask(
    Type.Array(JobView),
    `/api/v1/jobs${state ? `?state=${state}` : ''}`,
  );
  const shown = inOrder(all, call.has('all') ? all.length : ENDED_SHOWN);
  if (call.json) {
    call.out.json(shown);
    return;
  }
  if (call.has('watch')) call.out.clear();
  call.out.table(JOB_HEAD, shown.map(jobRow));
}

/** What runs and what waits, the oldest first; then what has ended, the latest first. */
export function inOrder(all: readonly JobView[], mostEnded: number): JobView[] {
  const of = (state: JobView['state'], time: 'submittedAt' | 'endedAt'): JobView[] =>
    all
      .filter((job) => job.state === state)
      .toSorted((one, other) => (one[time] ?? '').localeCompare(other[time] ?? ''));
  return [
    ...of('running', 'submittedAt'),
    ...of('queued', 'submittedAt'),
    ...of('ended', 'endedAt').toReversed().slice(0, mostEnded),
  ];
}

export const JOB_HEAD = [
  'ID',
  'STATE',
  'CLASS',
  'WORKER',
  'ATTEMPT',
  'WHEN',
  'DONE',
  'SPEED',
  'TITLE, AND WHY',
];

export function jobRow(job: JobView): Cell[] {
  const { progress, speed, reason, title } = job;
  const isWorthSaying = reason !== null && (job.state !== 'ended' || job.ranOnPms || isFailure(job));
  return [
    job.jobId.slice(0, SHORT_ID),
    standingOf(job),
    job.class,
    job.worker ?? '-',
    String(job.attempt),
    whenOf(job, Date.now()),
    percentOf(progress),
    speedOf(speed),
    isWorthSaying ? `${title}: ${reason}` : title,
  ];
}

/** For how long it has been there, or how long ago it ended. */
function whenOf({ submittedAt, endedAt }: JobView, now: number): string {
  if (endedAt === null) return `for ${duration(now - Date.parse(submittedAt))}`;
  return `${duration(now - Date.parse(endedAt))} ago`;
}

export function percentOf(progress: number | null): string {
  return progress === null ? '-' : `${Math.round(progress)}%`;
}

export function speedOf(speed: number | null): string {
  return speed === null ? '-' : `${speed.toFixed(1)}x`;
}
