import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobView, ScaleView, WorkerSummary } from '#shared/api/schemas.ts';
import { change } from './api.ts';
import { ask } from './dialog.ts';

export function CancelButton({ job }: { job: JobView }): VNode | null {
  if (job.state === 'ended') return null;
  const title = job.title;
  const confirm = (): void =>
    ask({
      title: 'Cancel this job?',
      text: `${title} ends, and PMS is told so. Whoever watches it sees it stop.`,
      action: 'Cancel the job',
      act: async () => {
        await change('DELETE', `jobs/${encodeURIComponent(job.jobId)}`);
        return `${title} is being cancelled.`;
      },
    });
  return html`<button onClick=${confirm} aria-label=${`Cancel ${title}`}>Cancel</button>`;
}

export function DrainButton({ worker }: { worker: WorkerSummary }): VNode {
  const { name } = worker;
  const isDraining = worker.state === 'draining';
  const [action, word] = isDraining ? (['undrain', 'Undrain'] as const) : (['drain', 'Drain'] as const);
  const confirm = (): void =>
    ask({
      title: `${word} ${name}?`,
      text: isDraining
        ? 'It is given jobs again.'
        : `It finishes what it runs (${worker.running}) and is given nothing new, until it is undrained.`,
      action: `${word} ${name}`,
      act: async () => {
        await change('POST', `workers/${encodeURIComponent(name)}/${action}`);
        return isDraining ? `${name} is given jobs again.` : `${name} drains.`;
      },
    });
  return html`<button onClick=${confirm} aria-label=${`${word} ${name}`}>${word}</button>`;
}

const SPEC = [
  ['minimum', 'At least'],
  ['desired', 'Wanted'],
  ['maximum', 'At most'],
] as const;

export function ScaleButton({ scale, desired }: { scale: ScaleView; desired: number }): VNode {
  const number = (name: string, label: string, value: number | '', isRequired: boolean): VNode =>
    html`<label>${label}
      <input name=${name} type="number" min="0" max="10000" step="1" defaultValue=${value} required=${isRequired} />
    </label>`;
  const confirm = (): void =>
    ask({
      title: 'Scale',
      text: 'How many workers there should be. ClusterPlex starts none itself: whatever starts them reads this.',
      action: 'Set the scale',
      fields: html`<div class="fields">
        ${SPEC.map(([name, label]) => number(name, label, name === 'desired' ? desired : scale[name], true))}
        ${number('workers', 'Burst: workers', '', false)}
        ${number('minutes', 'Burst: minutes', '', false)}
      </div>`,
      act: async (values) => {
        await change('PUT', 'scale', scaleChange(values));
        return 'The scale is set.';
      },
    });
  return html`<button onClick=${confirm}>Scale …</button>`;
}

function scaleChange(values: FormData): object {
  const spec = Object.fromEntries(SPEC.map(([name]) => [name, Number(values.get(name))]));
  const [workers, minutes] = [values.get('workers'), values.get('minutes')];
  if (!workers && !minutes) return spec;
  return { ...spec, burst: { workers: Number(workers), minutes: Number(minutes) } };
}
