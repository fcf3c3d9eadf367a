import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { AttemptView, JobStoryView, StoryEntryView } from '#shared/api/schemas.ts';
import { CancelButton } from './actions.ts';
import { get, problemOf } from './api.ts';
import { attemptOf } from './attempt.ts';
import { Command } from './command.ts';
import { duration, hardware, outcomeVerdict, percent, seconds, speed, time, verdict } from './format.ts';
import { OutputOf } from './output.ts';
import { workerLink } from './router.ts';
import { jobNamed, now } from './store.ts';
import { Badge, type Column, NOTHING, Table } from './table.ts';
import { words } from './words.ts';

const WHY = {
  queued: 'It waits because',
  running: 'It was tried again because',
  ended: 'It ended because',
  onPms: 'It ran on PMS because',
};

export function JobPage({ id }: { id: string }): VNode {
  const story = useSignal<JobStoryView | null>(null);
  const problem = useSignal<string | null>(null);
  const choice = useSignal<number | null>(null);
  // A new object with each event that concerns it: then its story has changed, too.
  const latest = jobNamed(id);
  useEffect(() => {
    get<JobStoryView>(`jobs/${encodeURIComponent(id)}`).then(
      (told) => {
        story.value = told;
      },
      (error: unknown) => {
        problem.value = problemOf(error);
      },
    );
  }, [id, latest]);
  const job = story.value;
  if (!job) return html`<h1>Job</h1><p>${problem.value ?? 'reading …'}</p>`;
  return html`
    <div class="bar-of-tools">
      <h1>${words(job.title)}</h1>
      <${Badge} ...${verdict(job)} />
      <${CancelButton} job=${job} />
    </div>
    ${
      job.reason &&
      !['exited', 'cancelled'].includes(job.reason) &&
      html`<p>${WHY[job.ranOnPms ? 'onPms' : job.state]}: <b>${words(job.reason)}</b></p>`
    }
    <${Facts} job=${job} />
    <section><h2>Story</h2><${Story} job=${job} /></section>
    <section><h2>Attempts</h2>
      <${Table} label="Attempts" rows=${job.attempts} columns=${ATTEMPTS}
        keyOf=${({ attempt }: AttemptView) => String(attempt)}
        empty=${job.state === 'ended' ? 'None: no worker was given it.' : 'None yet.'} />
    </section>
    <section><h2>Changes made to its command</h2><${Changes} job=${job} /></section>
    <section><${Command} job=${job} choice=${choice} /></section>
    <section><${OutputOf} key=${attemptOf(job, choice)?.attempt} job=${job} choice=${choice} /></section>`;
}

function Facts({ job }: { job: JobStoryView }): VNode {
  const end = job.endedAt === null ? now.value : Date.parse(job.endedAt);
  const facts: readonly (readonly [string, unknown])[] = [
    ['Class', job.class],
    ['Worker', job.worker ? html`<a href=${workerLink(job.worker)}>${words(job.worker)}</a>` : '–'],
    ['By', job.worker === null ? '–' : hardware(job.hardware)],
    ['Progress', percent(job.progress)],
    ['Speed', speed(job.speed)],
    ['First segment', job.firstSegmentMs === null ? '–' : `after ${seconds(job.firstSegmentMs)}`],
    ['Segments at PMS', job.announced],
    [
      job.endedAt === null ? 'For' : job.ranOnPms ? 'Given back after' : 'Took',
      duration(end - Date.parse(job.submittedAt)),
    ],
  ];
  const wide: typeof facts = [
    ['Needs', needs(job)],
    ['Session', job.session ? html`<code>${job.session}</code>` : '–'],
    ['Id', html`<code>${job.jobId}</code>`],
  ];
  const shown = (some: typeof facts): VNode[] =>
    some.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return html`<dl class="facts">${shown(facts)}</dl><dl class="facts wide">${shown(wide)}</dl>`;
}

function needs({ requirements: { decoders, encoders, eae, hardware: gpu, video } }: JobStoryView): string {
  const picture =
    video &&
    `${video.source} ${video.width}×${video.height}, ${video.bitDepth} bits${video.toneMapped ? ', tone mapped' : ''}`;
  const all = [
    picture,
    decoders.length > 0 && `decodes ${decoders.join(', ')}`,
    encoders.length > 0 && `encodes ${encoders.join(', ')}`,
    eae.length > 0 && `Dolby ${eae.join(', ')}`,
    gpu && hardware(gpu),
  ];
  return all.filter(Boolean).join('; ') || 'nothing in particular';
}

const TITLES: Record<StoryEntryView['event'], (entry: StoryEntryView, job: JobStoryView) => string> = {
  submitted: () => 'PMS asked for it',
  queued: () => 'Waits for a worker',
  placed: ({ worker }) => `Placed on ${worker}`,
  adopted: ({ worker }) => `Found running on ${worker}`,
  started: ({ worker }) => `Started on ${worker}`,
  'attempt-ended': ({ attempt, worker }) => `Attempt ${attempt} ended on ${worker}`,
  cancelling: () => 'Is being cancelled',
  ended: (_, { ranOnPms }) => (ranOnPms ? 'Given back to PMS' : 'Ended'),
  'on-pms': () => 'PMS’s own transcoder runs it',
};

function Story({ job }: { job: JobStoryView }): VNode {
  const start = Date.parse(job.submittedAt);
  const first =
    job.firstSegmentMs === null
      ? []
      : [{ at: start + job.firstSegmentMs, text: 'PMS has the first segment', note: null, tone: 'good' }];
  const told = job.story.map((entry) => ({
    at: Date.parse(entry.at),
    // An orchestrator that was updated meanwhile may tell of more.
    text: TITLES[entry.event]?.(entry, job) ?? entry.event,
    note: entry.message,
    tone: toneOf(entry, job),
  }));
  // Sorting is stable: what happened in one millisecond stays in its order.
  const entries = [...told, ...first].sort((a, b) => a.at - b.at);
  return html`<ol class="story">${entries.map(
    ({ at, text, note, tone }) => html`<li class=${tone}>
      <time datetime=${new Date(at).toISOString()}>${time(new Date(at).toISOString(), now.value)}</time>
      <span class="quiet">+${seconds(at - start)}</span>
      <span>${words(text)}${note && html`<small>${words(note)}</small>`}</span>
    </li>`,
  )}</ol>`;
}

function toneOf({ event, attempt }: StoryEntryView, job: JobStoryView): string {
  if (event === 'ended') return verdict(job).tone;
  if (event !== 'attempt-ended') return '';
  const ended = job.attempts.find((one) => one.attempt === attempt);
  return outcomeVerdict(ended?.outcome ?? null).tone;
}

const ATTEMPTS: readonly Column<AttemptView>[] = [
  { title: 'Attempt', cell: ({ attempt }) => attempt },
  {
    title: 'Worker',
    cell: ({ worker }) => html`<a href=${workerLink(worker)}>${words(worker)}</a>`,
  },
  { title: 'By', cell: (attempt) => hardware(attempt.hardware) },
  { title: 'Placed', kind: 'when', cell: ({ assignedAt }) => time(assignedAt, now.value) },
  {
    title: 'Started',
    kind: 'when',
    cell: ({ startedAt }) => (startedAt ? time(startedAt, now.value) : NOTHING),
  },
  { title: 'Ended', kind: 'when', cell: ({ endedAt }) => (endedAt ? time(endedAt, now.value) : NOTHING) },
  {
    title: 'Outcome',
    kind: 'wide',
    cell: ({ outcome }) =>
      outcome
        ? html`<${Badge} ...${outcomeVerdict(outcome)} />${outcome.message && html`<small class="reason">${words(outcome.message)}</small>`}`
        : NOTHING,
  },
];

function Changes({ job }: { job: JobStoryView }): VNode {
  const byWorkers = job.attempts.flatMap(({ attempt, changes }) =>
    changes.map((change) => ({ attempt, ...change })),
  );
  const names = new Set(byWorkers.map(({ name }) => name));
  const byRelay = job.changes.filter((name) => !names.has(name));
  if (byRelay.length + byWorkers.length === 0)
    return html`<p class="quiet empty">None: it runs as PMS wrote it.</p>`;
  return html`<ul class="changes">
    ${byRelay.map((name) => html`<li><b>${name}</b> <span class="quiet">by the relay</span></li>`)}
    ${byWorkers.map(
      ({ attempt, name, detail }) =>
        html`<li><b>${name}</b> <span class="quiet">attempt ${attempt}</span> ${words(detail)}</li>`,
    )}
  </ul>`;
}
