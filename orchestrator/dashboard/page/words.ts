import { html } from 'htm/preact';
import type { ComponentChildren } from 'preact';

/** After what separates the parts of names, paths and ids; nothing so short that it would stand there lost. */
const BREAKS = /(?<=[^-._/:;=,&?@|+\s]{2}[-._/:;=,&?@|+]+)(?=[^-._/:;=,&?@|+\s]{4})/;

/** Text that breaks between its parts, where it has to, and not amid a word. */
export function Words({ of: text }: { of: string }): ComponentChildren {
  const [first, ...rest] = text.split(BREAKS);
  return rest.length === 0 ? text : html`<span>${first}${rest.map((part) => [html`<wbr />`, part])}</span>`;
}
