import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobView } from '#shared/api/schemas.ts';
import { duration, hardware, outcomeVerdict, time } from './format.ts';
import { jobLink, workerLink } from './router.ts';
import { history, now } from './store.ts';
import { Badge, type Column, Table } from './table.ts';

const COLUMNS: readonly Column<JobView>[] = [
  { title: 'Ended', cell: ({ endedAt }) => (endedAt === null ? '–' : time(endedAt, now.value)) },
  {
    title: 'Title',
    kind: 'wide',
    cell: ({ jobId, title, session }) => html`<a href=${jobLink(jobId)} title=${title}>${title}</a>
      ${session && html`<small>${session}</small>`}`,
  },
  { title: 'Outcome', cell: ({ outcome }) => html`<${Badge} ...${outcomeVerdict(outcome)} />` },
  {
    title: 'Reason',
    kind: 'wide',
    cell: ({ reason }) => (reason === null || reason === 'exited' || reason === 'cancelled' ? '–' : reason),
  },
  { title: 'Class', cell: (job) => job.class },
  {
    title: 'Worker',
    cell: ({ worker }) => (worker ? html`<a href=${workerLink(worker)}>${worker}</a>` : '–'),
  },
  { title: 'By', cell: (job) => (job.worker === null ? '–' : hardware(job.hardware)) },
  { title: 'Attempts', kind: 'figure', cell: ({ attempt }) => attempt },
  {
    title: 'Took',
    kind: 'figure',
    cell: ({ submittedAt, endedAt }) =>
      endedAt === null ? '–' : duration(Date.parse(endedAt) - Date.parse(submittedAt)),
  },
];

const OUTCOMES: Record<string, (job: JobView) => boolean> = {
  all: () => true,
  finished: ({ outcome }) => outcomeVerdict(outcome).tone === 'good',
  failed: ({ outcome }) => outcomeVerdict(outcome).tone === 'bad',
  cancelled: ({ outcome }) => outcome?.reason === 'cancelled',
};
const CLASSES = ['all', 'playback', 'background'];

function matches({ title, session, worker, reason, jobId }: JobView, word: string): boolean {
  return [title, session, worker, reason, jobId].some((text) => text?.toLowerCase().includes(word));
}

export function HistoryPage(): VNode {
  const outcome = useSignal('all');
  const jobClass = useSignal('all');
  const search = useSignal('');
  const isOutcome = OUTCOMES[outcome.value] ?? (() => true);
  const word = search.value.trim().toLowerCase();
  const rows = history.value.filter(
    (job) =>
      isOutcome(job) &&
      (jobClass.value === 'all' || job.class === jobClass.value) &&
      (word === '' || matches(job, word)),
  );
  const choice = (
    label: string,
    value: typeof outcome,
    names: readonly string[],
  ): VNode => html`<label>${label}
    <select value=${value.value} onChange=${(event: Event) => {
      if (event.target instanceof HTMLSelectElement) value.value = event.target.value;
    }}>${names.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>`;
  return html`
    <div class="bar-of-tools">
      <h1>History</h1>
      <label><span class="unseen">Search jobs</span><input type="search"
        placeholder="Search title, session, worker, reason" onInput=${(event: InputEvent) => {
          if (event.target instanceof HTMLInputElement) search.value = event.target.value;
        }} /></label>
      ${choice('Outcome', outcome, Object.keys(OUTCOMES))}
      ${choice('Class', jobClass, CLASSES)}
    </div>
    <${Table} label="Jobs that have ended" rows=${rows} columns=${COLUMNS} keyOf=${(job: JobView) => job.jobId}
      empty=${history.value.length === 0 ? 'No job has ended since the orchestrator started.' : 'No job matches.'} />`;
}
