import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobView } from '#shared/api/schemas.ts';
import { duration, time, verdict } from './format.ts';
import { BY, TITLE, WORKER } from './jobColumns.ts';
import { history, now } from './store.ts';
import { Badge, type Column, NOTHING, Table } from './table.ts';
import { words } from './words.ts';

const COLUMNS: readonly Column<JobView>[] = [
  {
    title: 'Ended',
    kind: 'when',
    cell: ({ endedAt }) => (endedAt === null ? NOTHING : time(endedAt, now.value)),
  },
  TITLE,
  { title: 'Outcome', cell: (job) => html`<${Badge} ...${verdict(job)} />` },
  {
    title: 'Reason',
    kind: 'wide',
    cell: ({ reason }) =>
      reason === null || reason === 'exited' || reason === 'cancelled' ? NOTHING : words(reason),
  },
  WORKER,
  BY,
  {
    title: 'Took',
    kind: 'figure',
    cell: ({ submittedAt, endedAt, ranOnPms }) =>
      endedAt === null || ranOnPms ? NOTHING : duration(Date.parse(endedAt) - Date.parse(submittedAt)),
  },
];

const OUTCOMES: Record<string, (job: JobView) => boolean> = {
  all: () => true,
  finished: (job) => verdict(job).tone === 'good',
  failed: (job) => verdict(job).tone === 'bad',
  'ran on PMS': ({ ranOnPms }) => ranOnPms,
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
        placeholder="Title, session, worker, reason" onInput=${(event: InputEvent) => {
          if (event.target instanceof HTMLInputElement) search.value = event.target.value;
        }} /></label>
      ${choice('Outcome', outcome, Object.keys(OUTCOMES))}
      ${choice('Class', jobClass, CLASSES)}
    </div>
    <${Table} label="Jobs that have ended" rows=${rows} columns=${COLUMNS} keyOf=${(job: JobView) => job.jobId}
      empty=${history.value.length === 0 ? 'No job has ended since the orchestrator started.' : 'No job matches.'} />`;
}
