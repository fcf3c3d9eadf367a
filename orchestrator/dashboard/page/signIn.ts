import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { setToken } from './api.ts';
import { connect, obstacle } from './store.ts';

/** What to look for, and where. */
function Wanted(): VNode {
  return html`<span>It is what <code>CLUSTERPLEX_ADMIN_TOKEN</code> is set to on the orchestrator,
    or <code>CLUSTERPLEX_TOKEN</code> where that one is not set.</span>`;
}

export function SignIn(): VNode {
  const input = useRef<HTMLInputElement>(null);
  // The attribute autofocus counts once in a page.
  useEffect(() => input.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    setToken(input.current?.value ?? '');
    void connect();
  };
  return html`<form class="sign-in" onSubmit=${submit}>
    <h1>Sign in</h1>
    ${obstacle.value !== null && html`<p class="alarm" role="alert">That is not the admin token. <${Wanted} /></p>`}
    <label for="token">Admin token</label>
    <input id="token" ref=${input} type="password" autocomplete="current-password" required />
    <p class="quiet">${obstacle.value === null && html`<${Wanted} />`} It is kept in this tab only.</p>
    <button class="primary" type="submit">Sign in</button>
  </form>`;
}
