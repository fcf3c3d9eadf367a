import { batch, computed, signal } from '@preact/signals';
import type { JobView, ScaleView, WorkerSummary } from '#shared/api/schemas.ts';
import { ApiError, clockOffset, events, get, problemOf, type ServerEvent, setToken, token } from './api.ts';

/** Most jobs that have ended which are kept; the server keeps no more either, by default. */
const MAX_ENDED = 10_000;
/** Least time between two drawings, so that figures can be read. */
const DRAW_MS = 100;
const RETRY_MS = 1000;
const SCALE_MS = 10_000;

export type Connection = 'connecting' | 'live' | 'lost' | 'sign-in';
export const connection = signal<Connection>('connecting');
/** Why the connection is lost, or the token is none. */
export const obstacle = signal<string | null>(null);
/** When the orchestrator said last what is shown; null while it goes on, or has said nothing. */
export const staleSince = signal<string | null>(null);
export const scale = signal<ScaleView | null>(null);
/** The server's time, once a second. */
export const now = signal(Date.now());

const workers = new Map<string, WorkerSummary>();
const live = new Map<string, JobView>();
/** In the order in which they ended. */
const ended = new Map<string, JobView>();
/** Count the drawings of each: whoever reads one is drawn again when something of that has changed. */
const revisions = { workers: signal(0), live: signal(0), ended: signal(0) };
type Part = keyof typeof revisions;
const changed = new Set<Part>();
let drawing = false;
/** The stream stands: that is shown with what it says first. */
let stands = false;

const COLLATOR = new Intl.Collator(undefined, { numeric: true });
const STATE_ORDER = { disconnected: 0, quarantined: 1, 'not-ready': 2, draining: 3, ready: 4 };

function fresh<T>(part: Part, build: () => T): () => T {
  return () => {
    revisions[part].value;
    return build();
  };
}

export const fleet = computed(
  fresh('workers', () =>
    [...workers.values()].sort(
      (a, b) => STATE_ORDER[a.state] - STATE_ORDER[b.state] || COLLATOR.compare(a.name, b.name),
    ),
  ),
);
const bySubmission = (a: JobView, b: JobView): number =>
  a.submittedAt < b.submittedAt ? -1 : Number(a.submittedAt > b.submittedAt);
export const running = computed(
  fresh('live', () => [...live.values()].filter(({ state }) => state === 'running').sort(bySubmission)),
);
/** As they will be placed: playback first. */
export const queue = computed(
  fresh('live', () =>
    [...live.values()]
      .filter(({ state }) => state === 'queued')
      .sort((a, b) => (a.class === b.class ? bySubmission(a, b) : a.class === 'playback' ? -1 : 1)),
  ),
);
/** Latest first. */
export const history = computed(fresh('ended', () => [...ended.values()].reverse()));

export function workerNamed(name: string): WorkerSummary | undefined {
  revisions.workers.value;
  return workers.get(name);
}

/** Drawn again when it changes, as are all others. */
export function jobNamed(id: string): JobView | undefined {
  revisions.live.value;
  revisions.ended.value;
  return live.get(id) ?? ended.get(id);
}

function draw(...parts: readonly Part[]): void {
  for (const part of parts) changed.add(part);
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    requestAnimationFrame(() => {
      drawing = false;
      batch(() => {
        for (const part of changed) revisions[part].value += 1;
        if (!stands) return;
        connection.value = 'live';
        obstacle.value = null;
        staleSince.value = null;
      });
      changed.clear();
    });
  }, DRAW_MS);
}

function keep(job: JobView): void {
  if (job.state !== 'ended') {
    if (ended.delete(job.jobId)) draw('ended');
    live.set(job.jobId, job);
    draw('live');
    return;
  }
  if (live.delete(job.jobId)) draw('live');
  ended.set(job.jobId, job);
  draw('ended');
  for (const oldest of ended.keys()) {
    if (ended.size <= MAX_ENDED) break;
    ended.delete(oldest);
  }
}

function apply({ event, data }: ServerEvent): void {
  if (data === '') return;
  if (event === 'job') keep(JSON.parse(data));
  else if (event === 'scale') scale.value = JSON.parse(data);
  else if (event === 'worker' || event === 'worker-gone') {
    const worker: WorkerSummary = JSON.parse(data);
    if (event === 'worker') workers.set(worker.name, worker);
    else workers.delete(worker.name);
    draw('workers');
  }
}

/** Events first, so that nothing which happens while the history is fetched is missed. */
async function watch(abort: AbortSignal): Promise<void> {
  let isFirst = true;
  for await (const some of events('api/v1/events', abort)) {
    heardAt = Date.now();
    if (isFirst) {
      isFirst = false;
      workers.clear();
      live.clear();
      const past = await get<JobView[]>('jobs?state=ended');
      ended.clear();
      for (const job of past) keep(job);
      stands = true;
      draw('workers', 'live', 'ended');
    }
    for (const event of some) apply(event);
  }
}

let current: AbortController | null = null;
let heardAt = 0;

/** Watches the orchestrator for as long as the page is open, or until the token is wrong. */
export async function connect(): Promise<void> {
  current?.abort();
  const abort = new AbortController();
  current = abort;
  connection.value = 'connecting';
  while (!abort.signal.aborted) {
    try {
      await watch(abort.signal);
      lose('the orchestrator ended the connection');
    } catch (error) {
      if (abort.signal.aborted) return;
      lose(problemOf(error));
      if (error instanceof ApiError && error.status === 401) {
        disconnect();
        // Who has not tried one did nothing wrong.
        if (token.value === null) obstacle.value = null;
        setToken(null);
        connection.value = 'sign-in';
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function lose(why: string): void {
  stands = false;
  batch(() => {
    if (connection.value === 'live') staleSince.value = new Date(heardAt + clockOffset.value).toISOString();
    connection.value = 'lost';
    obstacle.value = why;
  });
}

export function disconnect(): void {
  current?.abort();
  stands = false;
  staleSince.value = null;
  workers.clear();
  live.clear();
  ended.clear();
  draw('workers', 'live', 'ended');
}

/** What is wanted follows the queue, and no event tells of that. */
export async function refreshScale(): Promise<void> {
  if (connection.value === 'live') scale.value = await get<ScaleView>('scale').catch(() => scale.value);
}
setInterval(refreshScale, SCALE_MS);

setInterval(() => {
  // What is stale gets no older to look at: it says since when.
  if (connection.value !== 'lost') now.value = Date.now() + clockOffset.value;
}, 1000);
