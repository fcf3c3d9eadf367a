import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { problemOf } from './api.ts';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button that does it says. */
  readonly action: string;
  readonly fields?: VNode;
  /** May refuse: what it throws is shown, and the dialog stays. */
  readonly act: (values: FormData) => Promise<string>;
}

const question = signal<Question | null>(null);
const problem = signal<string | null>(null);
const notice = signal<string | null>(null);
const NOTICE_MS = 6000;

/** Asks before anything is done. */
export function ask(asked: Question): void {
  problem.value = null;
  question.value = asked;
}

export function say(text: string): void {
  notice.value = text;
  setTimeout(() => {
    if (notice.value === text) notice.value = null;
  }, NOTICE_MS);
}

export function Notice(): VNode {
  return html`<p class="notice" role="status" hidden=${notice.value === null}>${notice.value}</p>`;
}

export function Dialog(): VNode | null {
  const element = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked && !element.current?.open) element.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  const close = (): void => {
    question.value = null;
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.target instanceof HTMLFormElement)) return;
    asked.act(new FormData(event.target)).then(
      (text) => {
        element.current?.close();
        say(text);
      },
      (error: unknown) => {
        problem.value = problemOf(error);
      },
    );
  };
  return html`<dialog ref=${element} onClose=${close} aria-labelledby="dialog-title">
    <form onSubmit=${submit}>
      <h2 id="dialog-title">${asked.title}</h2>
      <p>${asked.text}</p>
      ${asked.fields}
      ${problem.value && html`<p class="alarm" role="alert">${problem.value}</p>`}
      <p class="buttons">
        <button type="button" onClick=${() => element.current?.close()}>Back</button>
        <button class="primary" type="submit">${asked.action}</button>
      </p>
    </form>
  </dialog>`;
}
