import { html } from 'htm/preact';
import type { ComponentChildren } from 'preact';

/** After what separates the parts of names, paths and ids; nothing so short that it would stand there lost. */
const BREAKS = /(?<=[^-._/:;=,&?@|+\s]{2}[-._/:;=,&?@|+]+)(?=[^-._/:;=,&?@|+\s]{4})/;

/** Text that breaks between its parts, where it has to, and not amid a word. No component: tables have hundreds. */
export function words(text: string): ComponentChildren {
  const [first, ...rest] = text.split(BREAKS);
  if (rest.length === 0) return text;
  return html`<span>${first}${rest.map((part) => [html`<wbr />`, part])}</span>`;
}
