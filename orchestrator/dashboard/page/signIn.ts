import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { setToken } from './api.ts';
import { connect, obstacle } from './store.ts';

let tried = false;

export function SignIn(): VNode {
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    tried = true;
    setToken(input.current?.value ?? '');
    void connect();
  };
  return html`<form class="sign-in" onSubmit=${submit}>
    <h1>Sign in</h1>
    ${tried && html`<p class="alarm" role="alert">That is not the admin token (${obstacle.value}).</p>`}
    <label for="token">Admin token</label>
    <input id="token" ref=${input} type="password" autocomplete="current-password" required autofocus />
    <p class="quiet">The value of <code>CLUSTERPLEX_ADMIN_TOKEN</code>, or of <code>CLUSTERPLEX_TOKEN</code>, on the
      orchestrator. It is kept in this tab only.</p>
    <button class="primary" type="submit">Sign in</button>
  </form>`;
}
