import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { CommandView } from '#shared/api/records.ts';
import type { JobStoryView } from '#shared/api/schemas.ts';
import { get, problemOf } from './api.ts';
import { AttemptChooser, attemptOf, type Choice } from './attempt.ts';
import { copy } from './copy.ts';
import { words } from './words.ts';

type Line = NonNullable<CommandView['attempts'][number]['difference']>[number];

/** So many lines that did not change are shown on either side of one that did. */
const AROUND = 2;
const SIGNS = { kept: ' ', removed: '−', added: '+' };
const RAN = {
  'as-given': 'It ran as PMS gave it.',
  changed: '',
  unknown: 'Its worker is older, and does not say what it changed. This is what PMS gave.',
  'not-started': 'It was not started. This is what PMS gave.',
};

/** The command as PMS gave it, and what became of that. */
export function Command({ job, choice }: { job: JobStoryView; choice: Choice }): VNode {
  const told = useSignal<CommandView | null>(null);
  const problem = useSignal<string | null>(null);
  const attempt = attemptOf(job, choice);
  useEffect(() => {
    get<CommandView>(`jobs/${encodeURIComponent(job.jobId)}/command`).then(
      (view) => {
        told.value = view;
      },
      (error: unknown) => {
        problem.value = problemOf(error);
      },
    );
  }, [job.jobId, attempt?.attempt, attempt?.startedAt]);
  const view = told.value;
  if (!view) return html`<h2>Command</h2><p class="quiet empty">${problem.value ?? 'reading …'}</p>`;
  const ran = view.attempts.find((one) => one.attempt === attempt?.attempt);
  const lines = ran?.difference ?? view.lines.map((line): Line => ({ change: 'kept', line }));
  const note = [
    ran && RAN[ran.ran],
    !view.isGiven && 'Its relay is older, and does not say what it changed itself.',
  ];
  return html`
    <div class="bar-of-tools">
      <h2>Command</h2>
      <${AttemptChooser} job=${job} choice=${choice} />
      <button onClick=${() => copy((ran?.argv ?? view.argv).map(quoted).join(' '))}>Copy</button>
    </div>
    <p class="quiet">${note.filter(Boolean).join(' ')}</p>
    <${Difference} key=${ran?.attempt} lines=${lines} />`;
}

function Difference({ lines }: { lines: readonly Line[] }): VNode {
  const unfolded = useSignal<ReadonlySet<number>>(new Set());
  const unfold = (start: number): void => {
    unfolded.value = new Set([...unfolded.value, start]);
  };
  return html`<div class="code" role="region" aria-label="Command" tabindex="0">${foldsOf(lines).map(
    ({ start, end, isFolded }) =>
      isFolded && !unfolded.value.has(start)
        ? html`<button class="plain fold" onClick=${() => unfold(start)}>… ${end - start} unchanged</button>`
        : lines.slice(start, end).map(shown),
  )}</div>`;
}

function shown({ change, line }: Line): VNode {
  const tag = change === 'added' ? 'ins' : change === 'removed' ? 'del' : 'span';
  return html`<${tag} class="line"><span class="sign">${SIGNS[change]}</span>${words(line.map(readable).join(' '))}</${tag}>`;
}

interface Fold {
  readonly start: number;
  readonly end: number;
  readonly isFolded: boolean;
}

/** Long runs of what did not change are folded, where anything did. */
function foldsOf(lines: readonly Line[]): Fold[] {
  const changed = lines.flatMap(({ change }, index) => (change === 'kept' ? [] : [index]));
  const folds: Fold[] = [];
  const add = (start: number, end: number, isFolded: boolean): void => {
    if (end > start) folds.push({ start, end, isFolded: isFolded && end - start > 1 });
  };
  let from = 0;
  for (const index of changed) {
    const before = Math.max(from, index - AROUND);
    add(from, before, true);
    const after = Math.min(lines.length, index + 1 + AROUND);
    add(before, after, false);
    from = Math.max(from, after);
  }
  add(from, lines.length, changed.length > 0);
  return folds;
}

/** Quoted only where one could not see where it ends. */
function readable(argument: string): string {
  return /^[^\s'"]+$/.test(argument) ? argument : quoted(argument);
}

/** As a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
