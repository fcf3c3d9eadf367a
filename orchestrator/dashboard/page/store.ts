import { batch, computed, signal } from '@preact/signals';
import type { JobView, ScaleView, WorkerSummary } from '#shared/api/schemas.ts';
import { ApiError, clockOffset, events, get, type ServerEvent, setToken } from './api.ts';

/** Most jobs that have ended which are kept; the server keeps no more either, by default. */
const MAX_ENDED = 10_000;
/** Least time between two drawings, so that figures can be read. */
const DRAW_MS = 100;
const RETRY_MS = 1000;
const SCALE_MS = 10_000;

export type Connection = 'connecting' | 'live' | 'lost' | 'sign-in';
export const connection = signal<Connection>('connecting');
/** Why nothing is shown, where there is a reason. */
export const obstacle = signal<string | null>(null);
export const scale = signal<ScaleView | null>(null);
/** The server's time, once a second. */
export const now = signal(Date.now());

export const workers = new Map<string, WorkerSummary>();
const live = new Map<string, JobView>();
/** In the order in which they ended. */
const ended = new Map<string, JobView>();
/** Counts the drawings: whoever reads it is drawn again when something has changed. */
export const revision = signal(0);
let drawing = false;

const COLLATOR = new Intl.Collator(undefined, { numeric: true });
const STATE_ORDER = { disconnected: 0, quarantined: 1, 'not-ready': 2, draining: 3, ready: 4 };

function fresh<T>(build: () => T): () => T {
  return () => {
    revision.value;
    return build();
  };
}

export const fleet = computed(
  fresh(() =>
    [...workers.values()].sort(
      (a, b) => STATE_ORDER[a.state] - STATE_ORDER[b.state] || COLLATOR.compare(a.name, b.name),
    ),
  ),
);
const bySubmission = (a: JobView, b: JobView): number =>
  a.submittedAt < b.submittedAt ? -1 : Number(a.submittedAt > b.submittedAt);
export const running = computed(
  fresh(() => [...live.values()].filter(({ state }) => state === 'running').sort(bySubmission)),
);
/** As they will be placed: playback first. */
export const queue = computed(
  fresh(() =>
    [...live.values()]
      .filter(({ state }) => state === 'queued')
      .sort((a, b) => (a.class === b.class ? bySubmission(a, b) : a.class === 'playback' ? -1 : 1)),
  ),
);
/** Latest first. */
export const history = computed(fresh(() => [...ended.values()].reverse()));

export function jobNamed(id: string): JobView | undefined {
  return live.get(id) ?? ended.get(id);
}

function draw(): void {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    requestAnimationFrame(() => {
      drawing = false;
      revision.value += 1;
    });
  }, DRAW_MS);
}

function keep(job: JobView): void {
  if (job.state !== 'ended') {
    ended.delete(job.jobId);
    live.set(job.jobId, job);
    return;
  }
  live.delete(job.jobId);
  ended.set(job.jobId, job);
  for (const oldest of ended.keys()) {
    if (ended.size <= MAX_ENDED) break;
    ended.delete(oldest);
  }
}

function apply({ event, data }: ServerEvent): void {
  if (data === '') return;
  if (event === 'job') keep(JSON.parse(data));
  else if (event === 'worker') {
    const worker: WorkerSummary = JSON.parse(data);
    workers.set(worker.name, worker);
  } else if (event === 'worker-gone') workers.delete(JSON.parse(data).name);
  else if (event === 'scale') scale.value = JSON.parse(data);
  draw();
}

/** Events first, so that nothing which happens while the history is fetched is missed. */
async function watch(abort: AbortSignal): Promise<void> {
  let isFirst = true;
  for await (const some of events('api/v1/events', abort)) {
    if (isFirst) {
      isFirst = false;
      workers.clear();
      live.clear();
      const past = await get<JobView[]>('jobs?state=ended');
      ended.clear();
      for (const job of past) keep(job);
      batch(() => {
        connection.value = 'live';
        obstacle.value = null;
      });
      draw();
    }
    for (const event of some) apply(event);
  }
}

let current: AbortController | null = null;

/** Watches the orchestrator for as long as the page is open, or until the token is wrong. */
export async function connect(): Promise<void> {
  current?.abort();
  const abort = new AbortController();
  current = abort;
  connection.value = 'connecting';
  while (!abort.signal.aborted) {
    try {
      await watch(abort.signal);
      obstacle.value = 'the orchestrator ended the connection';
    } catch (error) {
      if (abort.signal.aborted) return;
      obstacle.value = error instanceof ApiError ? error.message : null;
      if (error instanceof ApiError && error.status === 401) {
        abort.abort();
        setToken(null);
        connection.value = 'sign-in';
        return;
      }
    }
    connection.value = 'lost';
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

export function disconnect(): void {
  current?.abort();
  workers.clear();
  live.clear();
  ended.clear();
  draw();
}

/** What is wanted follows the queue, and no event tells of that. */
setInterval(async () => {
  if (connection.value === 'live') scale.value = await get<ScaleView>('scale').catch(() => scale.value);
}, SCALE_MS);

setInterval(() => {
  now.value = Date.now() + clockOffset.value;
}, 1000);
