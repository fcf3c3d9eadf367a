import { JobStoryView, JobView } from '#shared/api/schemas.ts';
import type { HardwareRequirement } from '#shared/requirements.ts';
import type { Command } from '../command.ts';
import { jobIdOf } from '../jobId.ts';
import type { Cell, Output } from '../output.ts';
import { standingOf } from '../standing.ts';
import { duration, timeOfDay } from '../times.ts';
import { percentOf, speedOf } from './jobs.ts';
import { showCommand, showStderr } from './records.ts';

type AttemptView = JobStoryView['attempts'][number];

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
    if (call.json) call.out.json(story);
    else tellStory(call.out, story);
  },
};

export function tellStory(out: Output, story: JobStoryView): void {
  out.line({ text: story.title, style: 'bold' });
  out.table(['JOB', story.jobId], factsOf(story, Date.now()));
  if (story.attempts.length > 0) {
    out.line();
    out.table(['ATTEMPT', 'WORKER', 'BY', 'STARTED', 'OUTCOME'], story.attempts.map(attemptRow));
  }
  const changes = changesOf(story);
  if (changes.length > 0) {
    out.line();
    out.table(['CHANGE TO ITS COMMAND', 'BY', 'WHAT'], changes);
  }
  out.line();
  out.table(['TIME', 'AFTER', 'EVENT', 'ATTEMPT', 'WORKER', 'WHAT'], eventsOf(story));
}

function factsOf(story: JobStoryView, now: number): Cell[][] {
  const { endedAt, submittedAt, firstSegmentMs, reason } = story;
  const lasted = duration((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(submittedAt));
  const said = ['exited', 'cancelled'].includes(reason ?? '') ? null : reason;
  const why = { queued: 'waits because', running: 'again because', ended: 'because' }[story.state];
  const facts: readonly (readonly [string, Cell | null])[] = [
    ['state', standingOf(story)],
    [why, said],
    ['class', story.class],
    ['session', story.session],
    ['worker', story.worker && `${story.worker}, ${hardwareOf(story.hardware)}`],
    ['progress', story.progress === null ? null : percentOf(story.progress)],
    ['speed', story.speed === null ? null : speedOf(story.speed)],
    ['first segment', firstSegmentMs === null ? null : `after ${(firstSegmentMs / 1000).toFixed(1)}s`],
    ['segments', story.announced === 0 ? null : `${story.announced} that PMS has`],
    [endedAt === null ? 'for' : 'took', lasted],
    ['needs', needsOf(story)],
  ];
  return facts.flatMap(([name, what]) => (what === null ? [] : [[name, what]]));
}

function hardwareOf(use: HardwareRequirement | null): string {
  if (!use) return 'in software';
  const { api, decoder, encoder } = use;
  const parts = [decoder && `decodes ${decoder}`, encoder && `encodes ${encoder}`].filter(Boolean);
  return `${api}: ${parts.join(', ') || 'filters'}`;
}

function needsOf({ requirements: { decoders, encoders, eae, hardware, video } }: JobStoryView): string {
  const all = [
    video && `${video.source} ${video.width}×${video.height}, ${video.bitDepth} bits`,
    video?.toneMapped && 'tone mapping',
    decoders.length > 0 && `decodes ${decoders.join(', ')}`,
    encoders.length > 0 && `encodes ${encoders.join(', ')}`,
    eae.length > 0 && `Dolby ${eae.join(', ')}`,
    hardware && hardwareOf(hardware),
  ];
  return all.filter(Boolean).join('; ') || 'nothing in particular';
}

function attemptRow({ attempt, worker, hardware, startedAt, outcome }: AttemptView): Cell[] {
  return [
    String(attempt),
    worker,
    hardwareOf(hardware),
    startedAt === null ? '-' : timeOfDay(startedAt),
    outcome === null ? '-' : outcomeOf(outcome),
  ];
}

function outcomeOf({ reason, exitCode, signal, message }: NonNullable<AttemptView['outcome']>): string {
  const how = exitCode === null ? signal && `died of ${signal}` : `exit code ${exitCode}`;
  return [[reason, how].filter(Boolean).join(', '), message].filter(Boolean).join(': ');
}

/** The relay's have a name only. */
function changesOf({ changes, attempts }: JobStoryView): Cell[][] {
  const byWorkers = attempts.flatMap(({ attempt, changes: some }) =>
    some.map(({ name, detail }) => ({ name, row: [name, `attempt ${attempt}`, detail] })),
  );
  const names = new Set(byWorkers.map(({ name }) => name));
  const byRelay = changes.filter((name) => !names.has(name));
  return [...byRelay.map((name) => [name, 'relay', '']), ...byWorkers.map(({ row }) => row)];
}

/** With the first segment, which the story itself does not tell. */
function eventsOf({ story, submittedAt, firstSegmentMs }: JobStoryView): Cell[][] {
  const began = Date.parse(submittedAt);
  const told = story.map((entry) => ({ ...entry, time: Date.parse(entry.at) }));
  const first =
    firstSegmentMs === null
      ? []
      : [
          {
            time: began + firstSegmentMs,
            event: 'first segment',
            attempt: 0,
            worker: null,
            message: 'PMS has it',
          },
        ];
  return [...told, ...first]
    .toSorted((one, other) => one.time - other.time)
    .map(({ time, event, attempt, worker, message }) => [
      timeOfDay(new Date(time).toISOString()),
      `${((time - began) / 1000).toFixed(3)}s`,
      event,
      attempt === 0 ? '-' : String(attempt),
      worker ?? '-',
      message ?? '',
    ]);
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
