import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { WorkerSummary } from '#shared/api/schemas.ts';
import { DrainButton } from './actions.ts';
import { bytes, percent, time } from './format.ts';
import { now, workerNamed } from './store.ts';
import { Badge, type Column, Table } from './table.ts';
import { Remedies, troubleOf } from './trouble.ts';
import { words } from './words.ts';
import { JobsOf, WorkerState } from './workers.ts';

type Mount = WorkerSummary['storage'][number];
type Gpu = NonNullable<WorkerSummary['load']['gpus']>[number];

const latency = (ms: number | undefined): string => (ms === undefined ? '–' : `${ms} ms`);

const MOUNTS: readonly Column<Mount>[] = [
  { title: 'Path', kind: 'name', cell: ({ path }) => html`<code>${words(path)}</code>` },
  { title: 'Mode', cell: ({ mode }) => mode },
  {
    title: 'State',
    kind: 'wide',
    cell: ({ problem }) =>
      html`<${Badge} ...${
        problem === null ? { label: 'usable', tone: 'good' } : { label: 'problem', tone: 'bad' }
      } />${problem && html`<small class="reason">${words(problem)}</small>`}`,
  },
  {
    title: 'File system',
    kind: 'wide',
    cell: ({ type, options }) => html`${type ?? '–'}${options && html`<small>${words(options)}</small>`}`,
  },
  { title: 'Seen here after', kind: 'figure', cell: ({ latencyMs }) => latency(latencyMs) },
  { title: 'Seen by PMS after', kind: 'figure', cell: ({ latencyToPmsMs }) => latency(latencyToPmsMs) },
];

const GPUS: readonly Column<Gpu>[] = [
  { title: 'GPU', kind: 'name', cell: ({ name, id }) => html`${name}<small>${words(id)}</small>` },
  { title: 'In use', kind: 'figure', cell: ({ utilisation }) => percent(utilisation) },
  { title: 'Encoder', kind: 'figure', cell: ({ encoder }) => percent(encoder) },
  {
    title: 'Memory',
    kind: 'figure',
    cell: ({ memoryUsed, memoryTotal }) =>
      memoryUsed === null || memoryTotal === null ? '–' : `${bytes(memoryUsed)} of ${bytes(memoryTotal)}`,
  },
  { title: 'Encoder sessions', kind: 'figure', cell: ({ sessions }) => sessions ?? '–' },
];

export function WorkerPage({ name }: { name: string }): VNode {
  const worker = workerNamed(name);
  if (!worker) {
    return html`<h1>${name}</h1><p>No worker of this name is connected. <a href="#/workers">All workers</a></p>`;
  }
  const trouble = troubleOf(worker);
  return html`
    <div class="bar-of-tools"><h1>${words(name)}</h1><${DrainButton} worker=${worker} /></div>
    <p><${WorkerState} worker=${worker} />${trouble && html`<${Remedies} of=${trouble} />`}</p>
    <dl class="facts">
      <div><dt>Slots</dt><dd>${worker.running} of ${worker.slots}</dd></div>
      <div><dt>CPU</dt><dd>${percent(worker.load.cpu)}</dd></div>
      <div><dt>Version</dt><dd>${worker.version}</dd></div>
      <div><dt>Machine</dt><dd>${worker.node ? words(worker.node) : '–'}</dd></div>
      <div><dt>Connected</dt><dd>${time(worker.connectedAt, now.value)}</dd></div>
    </dl>
    <section><h2>Runs</h2>
      ${worker.jobs.length === 0 ? html`<p class="quiet empty">Nothing.</p>` : html`<${JobsOf} worker=${worker} most=${200} />`}
    </section>
    <section><h2>Mounts</h2>
      <${Table} label="Mounts" rows=${worker.storage} columns=${MOUNTS} keyOf=${(mount: Mount) => mount.path} empty="None." />
    </section>
    <section><h2>GPUs</h2>
      <${Table} label="GPUs" rows=${worker.load.gpus ?? []} columns=${GPUS} keyOf=${(gpu: Gpu) => gpu.id} empty="None that it can use." />
    </section>`;
}
