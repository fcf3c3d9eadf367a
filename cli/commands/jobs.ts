import { Type } from 'typebox';
import { HistoryView, JobStoryView, JobView } from '#shared/api/schemas.ts';
import { isFailure } from '../attention.ts';
import type { Call, Command } from '../command.ts';
import { FAILED, Failure } from '../failure.ts';
import type { Cell, Style } from '../output.ts';
import { duration, timeOfDay } from '../times.ts';
import { showCommand, showStderr } from './records.ts';

/** Of what has ended; `--all` shows the rest. */
const ENDED_SHOWN = 10;
const REDRAW_MS = 500;
const SHORT_ID = 8;

const STATES = ['queued', 'running', 'ended'];

export const jobs: Command = {
  name: 'jobs',
  summary: `the jobs that wait and run, and the last ${ENDED_SHOWN} that ended`,
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
  const ended = all.filter((job) => job.state === 'ended').toSorted(by('endedAt'));
  const live = all.filter((job) => job.state !== 'ended').toSorted(by('submittedAt'));
  const shown = [...(call.has('all') ? ended : ended.slice(-ENDED_SHOWN)), ...live];
  if (call.json) {
    call.out.json(shown);
    return;
  }
  if (call.has('watch')) call.out.clear();
  call.out.table(JOB_HEAD, shown.map(jobRow));
}

function by(field: 'endedAt' | 'submittedAt') {
  return (one: JobView, other: JobView): number => (one[field] ?? '').localeCompare(other[field] ?? '');
}

export const JOB_HEAD = [
  'ID',
  'STATE',
  'CLASS',
  'WORKER',
  'ATTEMPT',
  'AGE',
  'DONE',
  'SPEED',
  'TITLE, AND WHY',
];

export function jobRow(job: JobView): Cell[] {
  const { submittedAt, endedAt, progress, speed, reason, title } = job;
  const age = Date.parse(endedAt ?? new Date().toISOString()) - Date.parse(submittedAt);
  const isWorthSaying = reason !== null && (job.state !== 'ended' || isFailure(job));
  return [
    job.jobId.slice(0, SHORT_ID),
    { text: job.state, style: styleOf(job) },
    job.class,
    job.worker ?? '-',
    String(job.attempt),
    duration(age),
    progress === null ? '-' : `${Math.round(progress)}%`,
    speed === null ? '-' : `${speed.toFixed(1)}x`,
    isWorthSaying ? `${title}: ${reason}` : title,
  ];
}

function styleOf(job: JobView): Style {
  if (job.state === 'ended') return isFailure(job) ? 'red' : 'dim';
  return job.state === 'running' ? 'green' : 'yellow';
}

export const job: Command = {
  name: 'job',
  takes: 'ID',
  summary: 'the whole story of one job; of its id the beginning is enough',
  options: {
    command: { type: 'boolean', help: 'its command instead, as PMS gave it and as each attempt ran it' },
    stderr: { type: 'boolean', help: 'the last 64 KB of what its transcoder said instead' },
    attempt: { type: 'string', help: 'of this attempt, with --stderr; else of the last' },
  },
  examples: [
    'clusterplex job 3f2a91c0',
    'clusterplex job 3f2a91c0 --command',
    'clusterplex job 3f2a91c0 --stderr --attempt 1',
  ],
  async run(call) {
    if (call.has('command') && call.has('stderr'))
      throw call.wrong('--command and --stderr are two questions');
    if (call.text('attempt') !== undefined && !call.has('stderr'))
      throw call.wrong('--attempt goes with --stderr');
    const jobId = await jobIdOf(call);
    if (call.has('command')) return showCommand(call, jobId);
    if (call.has('stderr')) return showStderr(call, jobId);
    const story = await call.orchestrator.ask(JobStoryView, `/api/v1/jobs/${encodeURIComponent(jobId)}`);
    if (call.json) {
      call.out.json(story);
      return;
    }
    const { out } = call;
    out.line({ text: story.title, style: 'bold' });
    out.table(
      ['JOB', story.jobId],
      [
        ['session', `${story.session ?? 'none'} (${story.class})`],
        ['state', { text: [story.state, story.reason].filter(Boolean).join(': '), style: styleOf(story) }],
        ['changed', story.changes.join(', ') || 'nothing'],
        ...story.attempts.map(attemptRow),
      ],
    );
    out.line();
    const began = Date.parse(story.submittedAt);
    out.table(
      ['TIME', 'AFTER', 'EVENT', 'ATTEMPT', 'WORKER', 'WHAT'],
      story.story.map(({ at, event, attempt, worker, message }) => [
        timeOfDay(at),
        `${((Date.parse(at) - began) / 1000).toFixed(3)}s`,
        event,
        attempt === 0 ? '-' : String(attempt),
        worker ?? '-',
        message ?? '',
      ]),
    );
  },
};

function attemptRow({ attempt, worker, hardware, changes }: JobStoryView['attempts'][number]): Cell[] {
  const used = hardware
    ? `on a GPU (${[hardware.api, hardware.encoder].filter(Boolean).join(', ')})`
    : 'in software';
  const changed = changes.map(({ name, detail }) => `${name}: ${detail}`);
  return [`attempt ${attempt}`, [`${worker}, ${used}`, ...changed].join('; ')];
}

export const cancel: Command = {
  name: 'cancel',
  takes: 'ID',
  summary: 'ends a job; of its id the beginning is enough',
  examples: ['clusterplex cancel 3f2a91c0'],
  async run(call) {
    const jobId = await jobIdOf(call);
    const path = `/api/v1/jobs/${encodeURIComponent(jobId)}`;
    const cancelled = await call.orchestrator.ask(JobView, path, { method: 'DELETE' });
    if (call.json) call.out.json(cancelled);
    else call.out.line(`${jobId} is being cancelled`);
  },
};

/** Also of one from before a restart. */
async function jobIdOf(call: Call): Promise<string> {
  const beginning = call.word('the job’s id');
  const remembered = await call.orchestrator.ask(Type.Array(JobView), '/api/v1/jobs');
  const [found, another] = startingWith(remembered, beginning);
  if (another !== undefined)
    throw call.wrong(`several jobs' ids begin with ${beginning}: ${found}, ${another}`);
  if (found !== undefined) return found;
  const search = new URLSearchParams({ search: beginning });
  const { jobs } = await call.orchestrator.ask(HistoryView, `/api/v1/history?${search}`);
  const [ended] = startingWith(jobs, beginning);
  if (ended !== undefined) return ended;
  const hint = 'clusterplex jobs --all and clusterplex history list them';
  throw new Failure(FAILED, `no job's id begins with ${beginning}`, hint);
}

/** Of ids that begin alike; the whole one is itself. */
function startingWith(jobs: readonly JobView[], beginning: string): string[] {
  const ids = jobs.map(({ jobId }) => jobId).filter((jobId) => jobId.startsWith(beginning));
  return ids.includes(beginning) ? [beginning] : ids;
}
