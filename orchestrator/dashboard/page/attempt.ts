import type { Signal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { JobStoryView } from '#shared/api/schemas.ts';

/** The number of the attempt that was chosen; null is the last, whichever that is. */
export type Choice = Signal<number | null>;

export function attemptOf(
  { attempts }: JobStoryView,
  choice: Choice,
): JobStoryView['attempts'][number] | null {
  return attempts.find(({ attempt }) => attempt === choice.value) ?? attempts.at(-1) ?? null;
}

/** Where there is something to choose. */
export function AttemptChooser({ job, choice }: { job: JobStoryView; choice: Choice }): VNode | null {
  if (job.attempts.length < 2) return null;
  const choose = (event: Event): void => {
    if (event.target instanceof HTMLSelectElement) choice.value = Number(event.target.value);
  };
  return html`<label>Attempt
    <select value=${attemptOf(job, choice)?.attempt} onChange=${choose}>${job.attempts.map(
      ({ attempt, worker }) => html`<option value=${attempt}>${attempt} on ${worker}</option>`,
    )}</select></label>`;
}
