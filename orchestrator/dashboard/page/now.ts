import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobView } from '#shared/api/schemas.ts';
import { CancelButton } from './actions.ts';
import { duration, percent, seconds, speed } from './format.ts';
import { BY, TITLE, WORKER } from './jobColumns.ts';
import { peers } from './peers.ts';
import { workerLink } from './router.ts';
import { fleet, now, queue, running } from './store.ts';
import { Badge, type Column, NOTHING, Share, Table } from './table.ts';
import { Remedies, troubleOf } from './trouble.ts';
import { words } from './words.ts';

const action: Column<JobView> = {
  title: 'Action',
  kind: 'action',
  cell: (job) => html`<${CancelButton} job=${job} />`,
};

const RUNNING: readonly Column<JobView>[] = [
  TITLE,
  WORKER,
  BY,
  {
    title: 'Progress',
    kind: 'figure',
    cell: ({ progress }) =>
      progress === null ? NOTHING : html`<${Share} value=${progress} text=${percent(progress)} />`,
  },
  { title: 'Speed', kind: 'figure', cell: (job) => speed(job.speed) },
  {
    title: 'First segment',
    kind: 'figure',
    cell: ({ firstSegmentMs }) => (firstSegmentMs === null ? NOTHING : seconds(firstSegmentMs)),
  },
  {
    title: 'Changed',
    cell: ({ changes }) => (changes.length === 0 ? NOTHING : html`<small>${changes.join(', ')}</small>`),
  },
  action,
];

const QUEUE: readonly Column<JobView>[] = [
  TITLE,
  {
    title: 'Waits because',
    kind: 'wide',
    cell: ({ reason, attempt }) => html`${words(reason ?? 'no reason is known')}
      ${attempt > 0 && html`<small>after ${attempt} ${attempt === 1 ? 'attempt' : 'attempts'}</small>`}`,
  },
  {
    title: 'For',
    kind: 'figure',
    cell: ({ submittedAt }) => duration(now.value - Date.parse(submittedAt)),
  },
  action,
];

export function NowPage(): VNode {
  const workers = fleet.value;
  // Slots of others can't be counted on: what they still run is no use of these.
  const ready = workers.filter(({ state }) => state === 'ready');
  const slots = ready.reduce((sum, worker) => sum + worker.slots, 0);
  const used = ready.reduce((sum, worker) => sum + worker.running, 0);
  const playback = queue.value.filter((job) => job.class === 'playback').length;
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
function Troubles(): VNode {
  return html`<${Refused} /><${NoRelay} /><${WorkerTroubles} />`;
}

/** They can't say themselves why they are not there. */
function Refused(): VNode | null {
  const refused = peers.value?.refused ?? [];
  if (refused.length === 0) return null;
  return html`<section class="troubles" aria-label="Who is not let in">
    <ul class="bare">${refused.map(
      ({ role, address, message, hint }) => html`<li class="alarm" key=${`${role} ${address} ${message}`}>
        <${Badge} label="refused" tone="bad" /> ${address}: ${words(message)}
        <small>${words(hint)}</small></li>`,
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
  const more = troubles.length - MOST_TROUBLES;
  return html`<section class="troubles" aria-label="What is wrong">
    <ul class="bare">${troubles.slice(0, MOST_TROUBLES).map(
      ({
        worker,
        trouble,
      }) => html`<li class=${trouble.verdict.tone === 'bad' ? 'alarm' : 'caution'} key=${worker.name}>
        <${Badge} ...${trouble.verdict} /> <a href=${workerLink(worker.name)}>${words(worker.name)}</a>${' '}
        ${words(trouble.reasons.join('; '))}<${Remedies} of=${trouble} /></li>`,
    )}</ul>
    ${more > 0 && html`<p><a href="#/workers">and ${more} more ${more === 1 ? 'worker' : 'workers'}</a></p>`}
  </section>`;
}
