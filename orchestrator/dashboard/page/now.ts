import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobView } from '#shared/api/schemas.ts';
import { CancelButton } from './actions.ts';
import { duration, hardware, percent, seconds, speed } from './format.ts';
import { peers } from './peers.ts';
import { jobLink, workerLink } from './router.ts';
import { connection, fleet, now, queue, running } from './store.ts';
import { Badge, type Column, Share, Table } from './table.ts';
import { Remedies, troubleOf } from './trouble.ts';

const title: Column<JobView> = {
  title: 'Title',
  kind: 'wide',
  cell: ({ jobId, title, session }) => html`<a href=${jobLink(jobId)} title=${title}>${title}</a>
    ${session && html`<small title="PMS’s session">${session}</small>`}`,
};
const jobClass: Column<JobView> = { title: 'Class', cell: (job) => job.class };
const action: Column<JobView> = {
  title: 'Action',
  kind: 'action',
  cell: (job) => html`<${CancelButton} job=${job} />`,
};

const RUNNING: readonly Column<JobView>[] = [
  title,
  jobClass,
  { title: 'Worker', cell: ({ worker }) => worker && html`<a href=${workerLink(worker)}>${worker}</a>` },
  { title: 'Attempt', kind: 'figure', cell: ({ attempt }) => attempt },
  { title: 'By', cell: (job) => hardware(job.hardware) },
  {
    title: 'Progress',
    kind: 'figure',
    cell: ({ progress }) => html`<${Share} value=${progress} text=${percent(progress)} />`,
  },
  { title: 'Speed', kind: 'figure', cell: (job) => speed(job.speed) },
  {
    title: 'First segment',
    kind: 'figure',
    cell: ({ firstSegmentMs }) => (firstSegmentMs === null ? '–' : seconds(firstSegmentMs)),
  },
  {
    title: 'Changed',
    cell: ({ changes }) =>
      changes.length === 0 ? '–' : html`<span title=${changes.join(', ')}>${changes.join(', ')}</span>`,
  },
  action,
];

const QUEUE: readonly Column<JobView>[] = [
  title,
  jobClass,
  { title: 'Waits because', kind: 'wide', cell: ({ reason }) => reason ?? 'no reason is known' },
  {
    title: 'For',
    kind: 'figure',
    cell: ({ submittedAt }) => duration(now.value - Date.parse(submittedAt)),
  },
  { title: 'Attempts', kind: 'figure', cell: ({ attempt }) => attempt },
  action,
];

export function NowPage(): VNode {
  const workers = fleet.value;
  const ready = workers.filter(({ state }) => state === 'ready');
  const slots = ready.reduce((sum, worker) => sum + worker.slots, 0);
  const used = ready.reduce((sum, worker) => sum + worker.running, 0);
  const playback = queue.value.filter((job) => job.class === 'playback').length;
  if (connection.value === 'connecting' && workers.length === 0)
    return html`<p class="quiet">connecting …</p>`;
  return html`
    <h1 class="unseen">Now</h1>
    <dl class="figures">
      <div><dt>Workers ready</dt><dd>${ready.length}<small> of ${workers.length}</small></dd></div>
      <div><dt>Slots in use</dt><dd>${used}<small> of ${slots}</small></dd></div>
      <div><dt>Running</dt><dd>${running.value.length}</dd></div>
      <div><dt>Waiting</dt><dd>${queue.value.length}<small>${playback > 0 ? ` ${playback} playback` : ''}</small></dd></div>
    </dl>
    <${Troubles} />
    <section aria-labelledby="running"><h2 id="running">Running</h2>
      <${Table} label="Running jobs" rows=${running.value} columns=${RUNNING}
        keyOf=${(job: JobView) => job.jobId} empty="Nothing runs. Jobs show up here as soon as PMS asks for them." />
    </section>
    <section aria-labelledby="queue"><h2 id="queue">Waiting</h2>
      <${Table} label="Waiting jobs" rows=${queue.value} columns=${QUEUE}
        keyOf=${(job: JobView) => job.jobId} empty="Nothing waits." />
    </section>`;
}

const MOST_TROUBLES = 5;

/** Is it working, and if not, why: before anything else. */
function Troubles(): VNode | null {
  if (connection.value !== 'live') return null;
  return html`<${Refused} /><${NoRelay} /><${WorkerTroubles} />`;
}

/** They can't say themselves why they are not there. */
function Refused(): VNode | null {
  const refused = peers.value?.refused ?? [];
  if (refused.length === 0) return null;
  return html`<section class="troubles" aria-label="Who is not let in">
    <ul>${refused.map(
      ({ role, address, message, hint }) => html`<li key=${`${role} ${address} ${message}`}>
        <${Badge} label="refused" tone="bad" /> ${address}: ${' '}
        <span>${message}<small>${hint}</small></span></li>`,
    )}</ul>
  </section>`;
}

function NoRelay(): VNode | null {
  if (peers.value === null || peers.value.relays.length > 0) return null;
  return html`<p class="alarm">No relay is connected, so no job arrives. Start it on the PMS host with ORCHESTRATOR_URL set to this
    address and the same token. Meanwhile PMS transcodes by itself, where it may.</p>`;
}

function WorkerTroubles(): VNode {
  if (fleet.value.length === 0) {
    return html`<p class="alarm">No worker is connected. Start one with ORCHESTRATOR_URL set to this address
      (<code>${location.origin}</code>) and the same token. Meanwhile jobs run on the PMS host where they may.</p>`;
  }
  const troubles = fleet.value.flatMap((worker) => {
    const trouble = troubleOf(worker);
    return trouble ? [{ worker, trouble }] : [];
  });
  if (troubles.length === 0) return html`<p class="fine">Every worker is ready.</p>`;
  return html`<section class="troubles" aria-label="What is wrong">
    <ul>${troubles.slice(0, MOST_TROUBLES).map(
      ({ worker, trouble }) => html`<li key=${worker.name}>
        <${Badge} ...${trouble.verdict} /> <a href=${workerLink(worker.name)}>${worker.name}</a>${' '}
        <span>${trouble.reasons.join('; ')}<${Remedies} of=${trouble} /></span></li>`,
    )}</ul>
    ${
      troubles.length > MOST_TROUBLES &&
      html`<p><a href="#/workers">and ${troubles.length - MOST_TROUBLES} more workers</a></p>`
    }
  </section>`;
}
