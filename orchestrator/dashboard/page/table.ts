import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';

const PAGE_SIZE = 50;

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures stand right; actions and names need no title to be seen, the latter where rows are cards. */
  readonly kind?: 'figure' | 'action' | 'wide' | 'name' | 'when';
}

/** In a cell that has nothing to say. */
export const NOTHING = '–';

interface TableProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly columns: readonly Column<Row>[];
  /** Shown in place of no rows. */
  readonly empty: ComponentChildren;
}

/** Rows with keys, a page at a time: what is not seen costs nothing. */
export function Table<Row>({ label, rows, keyOf, columns, empty }: TableProps<Row>): VNode {
  const page = useSignal(0);
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_SIZE));
  const at = Math.min(page.value, pages - 1);
  if (rows.length === 0) return html`<p class="quiet empty">${empty}</p>`;
  const shown = rows.slice(at * PAGE_SIZE, (at + 1) * PAGE_SIZE);
  return html`
    <table aria-label=${label}>
      <thead><tr>${columns.map(
        ({ title, kind }) =>
          html`<th scope="col" class=${kind}>${
            kind === 'action' ? html`<span class="unseen">${title}</span>` : title
          }</th>`,
      )}</tr></thead>
      <tbody>${shown.map(
        (row) =>
          html`<tr key=${keyOf(row)}>${columns.map(({ title, kind, cell }) => {
            const content = cell(row);
            const looks = [kind, content === NOTHING && 'nothing'].filter(Boolean).join(' ');
            return html`<td class=${looks || undefined} data-label=${title}>${content}</td>`;
          })}</tr>`,
      )}</tbody>
    </table>
    ${
      pages > 1 &&
      html`<nav class="pages" aria-label=${`Pages of ${label}`}>
        <button disabled=${at === 0} onClick=${() => {
          page.value = at - 1;
        }}>Previous</button>
        <span>${at * PAGE_SIZE + 1}–${at * PAGE_SIZE + shown.length} of ${rows.length}</span>
        <button disabled=${at === pages - 1} onClick=${() => {
          page.value = at + 1;
        }}>Next</button>
      </nav>`
    }`;
}

export function Badge({ tone, label }: { tone: string; label: string }): VNode {
  return html`<span class=${`badge ${tone}`}>${label}</span>`;
}

/** A figure with a thin bar under it, for the eye. */
export function Share({ value, text }: { value: number | null; text: string }): VNode {
  return html`<span class="share">${text}${
    value !== null &&
    html`<span class="bar" aria-hidden="true"><span style=${{ width: `${Math.min(100, Math.max(0, value))}%` }}></span></span>`
  }</span>`;
}
