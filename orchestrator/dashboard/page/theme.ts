import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';

const KEY = 'clusterplex-theme';
const SYSTEM = matchMedia('(prefers-color-scheme: dark)');

const chosen = signal(localStorage.getItem(KEY));
const system = signal(SYSTEM.matches);
SYSTEM.addEventListener('change', () => {
  system.value = SYSTEM.matches;
});

export function isDark(): boolean {
  return chosen.value === null ? system.value : chosen.value === 'dark';
}

function apply(): void {
  if (chosen.value === null) delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen.value;
}
apply();

export function ThemeToggle(): VNode {
  const other = isDark() ? 'light' : 'dark';
  const toggle = (): void => {
    chosen.value = other;
    localStorage.setItem(KEY, other);
    apply();
  };
  return html`<button class="plain" onClick=${toggle} aria-label=${`Use the ${other} colours`}>
    ${other === 'dark' ? 'Dark' : 'Light'}
  </button>`;
}
