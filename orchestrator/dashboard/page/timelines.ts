import { html } from 'htm/preact';
import type { VNode } from 'preact';

export function TimelinesPage(): VNode {
  return html`<h1>Timelines</h1>`;
}
