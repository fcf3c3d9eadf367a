import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { WorkerSummary } from '#shared/api/schemas.ts';
import { DrainButton } from './actions.ts';
import { percent } from './format.ts';
import { jobLink, workerLink } from './router.ts';
import { Scale } from './scale.ts';
import { fleet, jobNamed } from './store.ts';
import { Badge, type Column, NOTHING, Share, Table } from './table.ts';
import { troubleOf, workerVerdict } from './trouble.ts';
import { words } from './words.ts';

const MOST_JOBS = 3;

export function WorkerState({ worker }: { worker: WorkerSummary }): VNode {
  const trouble = troubleOf(worker);
  return html`<${Badge} ...${workerVerdict(worker)} />
    ${trouble && html`<small class="reason">${words(trouble.reasons.join('; '))}</small>`}`;
}

export function Gpus({ worker }: { worker: WorkerSummary }): VNode {
  const gpus = worker.load.gpus ?? [];
  if (gpus.length === 0) return html`<span class="quiet">none</span>`;
  return html`${gpus.map(
    ({ id, name, utilisation, sessions }) => html`<span key=${id} title=${name}>
      <${Share} value=${utilisation} text=${percent(utilisation)} />
      ${sessions !== null && html`<small>${sessions} ${sessions === 1 ? 'session' : 'sessions'}</small>`}
    </span>`,
  )}`;
}

export function JobsOf({ worker, most }: { worker: WorkerSummary; most: number }): VNode {
  const more = worker.jobs.length - most;
  return html`<ul class="bare">${worker.jobs
    .slice(0, most)
    .map(
      (id) => html`<li key=${id}><a href=${jobLink(id)}>${words(jobNamed(id)?.title ?? id)}</a></li>`,
    )}${more > 0 && html`<li class="quiet">and ${more} more</li>`}</ul>`;
}

const COLUMNS: readonly Column<WorkerSummary>[] = [
  {
    title: 'Worker',
    kind: 'name',
    cell: ({ name, node }) =>
      html`<a href=${workerLink(name)}>${words(name)}</a>${node && html`<small>${words(node)}</small>`}`,
  },
  { title: 'State', kind: 'wide', cell: (worker) => html`<${WorkerState} worker=${worker} />` },
  {
    title: 'Slots',
    kind: 'figure',
    cell: ({ running, slots }) =>
      html`<${Share} value=${(running / slots) * 100} text=${`${running} of ${slots}`} />`,
  },
  {
    title: 'CPU',
    kind: 'figure',
    cell: ({ load }) => html`<${Share} value=${load.cpu} text=${percent(load.cpu)} />`,
  },
  { title: 'GPU', kind: 'figure', cell: (worker) => html`<${Gpus} worker=${worker} />` },
  {
    title: 'Runs',
    kind: 'wide',
    cell: (worker) =>
      worker.jobs.length === 0 ? NOTHING : html`<${JobsOf} worker=${worker} most=${MOST_JOBS} />`,
  },
  { title: 'Action', kind: 'action', cell: (worker) => html`<${DrainButton} worker=${worker} />` },
];

export function WorkersPage(): VNode {
  const search = useSignal('');
  const word = search.value.toLowerCase();
  const rows = word === '' ? fleet.value : fleet.value.filter((worker) => matches(worker, word));
  return html`
    <div class="bar-of-tools">
      <h1>Workers</h1>
      <label><span class="unseen">Search workers</span><input type="search" placeholder="Name, node, state, reason"
        onInput=${(event: InputEvent) => {
          if (event.target instanceof HTMLInputElement) search.value = event.target.value;
        }} /></label>
    </div>
    <${Scale} />
    <${Table} label="Workers" rows=${rows} columns=${COLUMNS} keyOf=${(worker: WorkerSummary) => worker.name}
      empty=${fleet.value.length === 0 ? 'No worker is connected.' : 'No worker matches.'} />`;
}

function matches(worker: WorkerSummary, word: string): boolean {
  const { name, node, state } = worker;
  return [name, node ?? '', state, ...(troubleOf(worker)?.reasons ?? [])].some((text) =>
    text.toLowerCase().includes(word),
  );
}
