import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobView, WorkerSummary } from '#shared/api/schemas.ts';
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

function finishes(running: number): string {
  if (running === 0) return '';
  return `It finishes the ${running === 1 ? 'job' : `${running} jobs`} that it runs. `;
}

export function DrainButton({ worker }: { worker: WorkerSummary }): VNode | null {
  const { name } = worker;
  // A person can't undrain what the scale drains.
  if (worker.leaving) return null;
  const isDraining = worker.state === 'draining';
  const [action, word] = isDraining ? (['undrain', 'Undrain'] as const) : (['drain', 'Drain'] as const);
  const confirm = (): void =>
    ask({
      title: `${word} ${name}?`,
      text: isDraining
        ? 'It is given jobs again.'
        : `${finishes(worker.running)}It is given nothing new until it is undrained.`,
      action: `${word} ${name}`,
      act: async () => {
        await change('POST', `workers/${encodeURIComponent(name)}/${action}`);
        return isDraining ? `${name} is given jobs again.` : `${name} drains.`;
      },
    });
  return html`<button onClick=${confirm} aria-label=${`${word} ${name}`}>${word}</button>`;
}
