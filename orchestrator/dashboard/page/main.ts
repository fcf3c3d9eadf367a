import { html, render } from 'htm/preact';
import type { VNode } from 'preact';
import { setToken, token } from './api.ts';
import { Dialog, Notice } from './dialog.ts';
import { time } from './format.ts';
import { HistoryPage } from './history.ts';
import { JobPage } from './job.ts';
import { NowPage } from './now.ts';
import { type Place, place } from './router.ts';
import { SignIn } from './signIn.ts';
import { connect, connection, disconnect, now, obstacle, staleSince } from './store.ts';
import { ThemeToggle } from './theme.ts';
import { TimelinesPage } from './timelines.ts';
import { WorkerPage } from './worker.ts';
import { WorkersPage } from './workers.ts';

const PAGES = [
  { name: 'now', title: 'Now' },
  { name: 'workers', title: 'Workers' },
  { name: 'history', title: 'History' },
  { name: 'timelines', title: 'Timelines' },
];

function Page({ at }: { at: Place }): VNode {
  switch (at.page) {
    case 'workers':
      return at.key === null
        ? html`<${WorkersPage} />`
        : html`<${WorkerPage} name=${at.key} key=${at.key} />`;
    case 'jobs':
      return html`<${JobPage} id=${at.key ?? ''} key=${at.key} />`;
    case 'history':
      return html`<${HistoryPage} />`;
    case 'timelines':
      return html`<${TimelinesPage} />`;
    default:
      return html`<${NowPage} />`;
  }
}

const STATES = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'not connected',
  'sign-in': '',
};

/** What is shown may be wrong by now. */
function Lost(): VNode {
  const since = staleSince.value;
  return html`<p class="alarm" role="alert"><b>Not connected:</b> ${obstacle.value}.
    ${since !== null && html` What you see is what it said last, at <time datetime=${since}>${time(since, now.value)}</time>.`}
    ${' '}This page goes on by itself as soon as it answers.</p>`;
}

function App(): VNode {
  const at = place.value;
  const isSignIn = connection.value === 'sign-in';
  const stale = staleSince.value !== null;
  const isTold = stale || connection.value === 'live';
  const signOut = (): void => {
    setToken(null);
    disconnect();
    void connect();
  };
  return html`
    <a class="skip" href="#main" onClick=${(event: Event) => {
      event.preventDefault();
      document.querySelector<HTMLElement>('main')?.focus();
    }}>Skip to content</a>
    <header>
      <a class="brand" href="#/now">ClusterPlex</a>
      ${
        !isSignIn &&
        html`<nav aria-label="Pages">
          ${PAGES.map(
            ({ name, title }) =>
              html`<a href=${`#/${name}`} aria-current=${at.page === name ? 'page' : undefined}>${title}</a>`,
          )}
        </nav>`
      }
      <p class=${`connection ${connection.value}`} role="status">${STATES[connection.value]}</p>
      <${ThemeToggle} />
      ${token.value !== null && !isSignIn && html`<button class="plain" onClick=${signOut}>Sign out</button>`}
    </header>
    <main id="main" tabindex="-1">
      ${connection.value === 'lost' && html`<${Lost} />`}
      ${isSignIn ? html`<${SignIn} />` : isTold && html`<div class=${stale ? 'stale' : ''}><${Page} at=${at} /></div>`}
    </main>
    <${Notice} />
    <${Dialog} />
  `;
}

const root = document.getElementById('app');
if (root) render(html`<${App} />`, root);
void connect();
