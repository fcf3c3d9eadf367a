import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { JobView } from '#shared/api/schemas.ts';
import { duration, time, verdict } from './format.ts';
import { BY, TITLE, WORKER } from './jobColumns.ts';
import { finding, findMore, findOlder, hindrance, more, older } from './older.ts';
import { connection, history, now } from './store.ts';
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
/** Who types is not asked for at every letter. */
const TYPING_MS = 250;

function matches({ title, session, worker, reason, jobId }: JobView, word: string): boolean {
  return [title, session, worker, reason, jobId].some((text) => text?.toLowerCase().includes(word));
}

function withOlder(): JobView[] {
  const latest = new Set(history.value.map(({ jobId }) => jobId));
  return [...history.value, ...older.value.filter(({ jobId }) => !latest.has(jobId))];
}

export function HistoryPage(): VNode {
  const outcome = useSignal('all');
  const jobClass = useSignal('all');
  const search = useSignal('');
  const isOutcome = OUTCOMES[outcome.value] ?? (() => true);
  const word = search.value.trim().toLowerCase();
  const wanted = { search: word, jobClass: jobClass.value === 'all' ? null : jobClass.value };
  const isUnfiltered = word === '' && jobClass.value === 'all' && outcome.value === 'all';
  const isLive = connection.value === 'live';
  useEffect(() => {
    const timer = isLive ? setTimeout(() => void findOlder(wanted), word === '' ? 0 : TYPING_MS) : undefined;
    return () => clearTimeout(timer);
  }, [isLive, word, jobClass.value]);
  const all = older.value.length === 0 ? history.value : withOlder();
  const rows = all.filter(
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
      empty=${finding.value ? 'Looking …' : isUnfiltered ? 'No job has ended yet.' : 'No job matches.'} />
    ${hindrance.value !== null && html`<p role="alert">Older jobs could not be read: ${hindrance.value}</p>`}
    ${more.value !== null && html`<button onClick=${() => void findMore(wanted)}>Show older jobs</button>`}
    ${
      hindrance.value !== null &&
      more.value === null &&
      html`<button onClick=${() => void findOlder(wanted)}>Try again</button>`
    }`;
}
