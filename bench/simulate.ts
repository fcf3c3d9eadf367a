/** The real core in simulated time: a day of arrivals on large fleets. What a job costs it, how long jobs wait, how even they lie. */
import TinyQueue from 'tinyqueue';
import type { AttemptStatus } from '#shared/job.ts';
import type { RelayHello } from '#shared/protocol/messages.ts';
import { Cluster } from '../orchestrator/core/cluster.ts';
import { Random } from '../test/simulation/random.ts';
import { ended, jobSpec, running, SETTINGS, workerHello } from '../test/unit/core/world.ts';
import { type Summary, summarise } from './percentiles.ts';
import type { Result, Row } from './result.ts';

const DAY_MS = 86_400_000;
/** Media time that a viewer watches at once. */
const JOB_MS = 40 * 60_000;
const FLEETS = [10, 1_000, 10_000, 100_000];
const SLOTS = 4;
/** Share of the slots that are taken on average. */
const FULL = 0.3;
const TIGHT = 1_000;
/** The same day in every run. */
const SEED = 7;
const RELAY = 1;
const RELAY_HELLO: RelayHello = {
  ...{ type: 'hello', version: '1', name: 'relay', instance: 'relay', serial: 0, jobs: [] },
};

interface Day {
  /** Microseconds of real time a job, from submission to release. */
  readonly cost: Summary;
  /** Simulated milliseconds. */
  readonly waited: Summary;
  /** Most attempts on one worker over the mean, sampled at each arrival. */
  readonly unevenness: number;
}

export async function simulate({ jobs }: { readonly jobs: number }): Promise<Result> {
  const arrivals = jobs * 20;
  const days = FLEETS.map((workers) => {
    // A small fleet has as many jobs a day, but shorter ones, so that its workers hold no more than those of a large one.
    const jobMs = Math.min(JOB_MS, (SLOTS * workers * FULL * DAY_MS) / arrivals);
    return { workers, day: simulateDay({ workers, slots: SLOTS, arrivals, jobMs }) };
  });
  const tightArrivals = Math.floor((0.75 * TIGHT * DAY_MS) / JOB_MS);
  const tight = simulateDay({ workers: TIGHT, slots: 1, arrivals: tightArrivals, jobMs: JOB_MS });
  const [small] = days;
  const large = days.at(-1);
  if (!small || !large) throw new Error('no fleet');
  const rows: Row[] = days.map(({ workers, day }) => ({
    name: `a job on ${workers} workers`,
    summary: day.cost,
  }));
  return {
    ...{ name: 'simulate', unit: 'µs of the core a job', rows },
    ratios: [
      {
        name: `cost a job on ${large.workers} workers to that on ${small.workers}`,
        value: large.day.cost.p50 / small.day.cost.p50,
        target: { atMost: 3 },
      },
      {
        ...{
          name: 'a burst of 100 on 10 workers: most of one to the mean',
          value: unevennessOfBurst(100, 10),
        },
        target: { atMost: 1 },
      },
      ...days.map(({ workers, day }) => ({
        ...{ name: `most jobs of one of ${workers} workers to the mean, at the peak`, value: day.unevenness },
        target: null,
      })),
    ],
    notes: [
      `a day of ${arrivals} jobs of up to ${JOB_MS / 60_000} min, most of them in the evening`,
      `${TIGHT} workers of one slot, ${tightArrivals} jobs: waited p50 ${tight.waited.p50.toFixed(0)} ms, p99 ${tight.waited.p99.toFixed(0)} ms, max ${tight.waited.max.toFixed(0)} ms`,
    ],
    plots: [
      {
        ...{ title: 'Cost of a job in the core', x: 'workers', y: 'µs, p50' },
        series: [{ name: 'core', points: days.map(({ workers, day }) => [workers, day.cost.p50] as const) }],
      },
    ],
  };
}

/** Most jobs of a worker over the mean, of jobs that come in one instant. */
function unevennessOfBurst(jobs: number, workers: number): number {
  const cluster = new Cluster(SETTINGS, 0);
  cluster.handle({ type: 'relay-hello', connection: RELAY, hello: RELAY_HELLO }, 0);
  for (let index = 1; index <= workers; index += 1) {
    const hello = workerHello(`w${index}`, { slots: jobs });
    cluster.handle({ type: 'worker-hello', connection: RELAY + index, hello }, 0);
  }
  for (let index = 0; index < jobs; index += 1) {
    const message = { type: 'submit', job: jobSpec(`j${index}`), attempt: 0 } as const;
    cluster.handle({ type: 'relay-message', connection: RELAY, message }, 0);
  }
  const shares = [...cluster.workers.values()].map(({ running: taken }) => taken);
  return Math.max(...shares) / (jobs / workers);
}

interface Fleet {
  readonly workers: number;
  readonly slots: number;
  readonly arrivals: number;
  /** On average. */
  readonly jobMs: number;
}

function simulateDay({ workers, slots, arrivals, jobMs }: Fleet): Day {
  // Connections of this world say nothing and are never silent.
  const never = Number.MAX_SAFE_INTEGER / 4;
  const cluster = new Cluster(
    { ...SETTINGS, silenceMs: never, queueTimeoutMs: { playback: never, background: never } },
    0,
  );
  const random = new Random(SEED).next;
  const attempts = new Map<string, Map<string, AttemptStatus>>();
  const events = new TinyQueue<{ at: number; jobId: string; worker: string | null }>(
    [],
    (a, b) => a.at - b.at,
  );
  let now = SETTINGS.recoveryWindowMs;
  cluster.handle({ type: 'tick' }, now);
  cluster.handle({ type: 'relay-hello', connection: RELAY, hello: RELAY_HELLO }, now);
  for (let index = 0; index < workers; index += 1) {
    const name = `w${index}`;
    attempts.set(name, new Map());
    const event = { type: 'worker-hello', connection: RELAY + 1 + index } as const;
    cluster.handle({ ...event, hello: workerHello(name, { slots }) }, now);
  }
  for (let index = 0; index < arrivals; index += 1) {
    events.push({ at: now + arrivalIn(random) * DAY_MS, jobId: `j${index}`, worker: null });
  }

  const spent = new Map<string, number>();
  const cost: number[] = [];
  const waited: number[] = [];
  let unevenness = 0;
  let live = 0;
  let peak = 0;
  /** Carries something out, on this job's account, and lets the workers do what they are told. */
  const act = (jobId: string, work: () => void): void => {
    const before = performance.now();
    work();
    spent.set(jobId, (spent.get(jobId) ?? 0) + performance.now() - before);
  };
  const report = (jobId: string, name: string, status: AttemptStatus): void => {
    const worker = cluster.workers.get(name);
    const list = attempts.get(name);
    if (!worker?.connection || !list) throw new Error(`${name} is gone`);
    if (status.phase === 'ended') list.delete(jobId);
    else list.set(jobId, status);
    const state = { revision: worker.revision, ready: true, draining: false, load: null };
    const told = [...list.values(), ...(status.phase === 'ended' ? [status] : [])];
    const event = { type: 'worker-state', connection: worker.connection } as const;
    act(
      jobId,
      () => void cluster.handle({ ...event, state: { type: 'state', ...state, attempts: told } }, now),
    );
  };
  const placed = (jobId: string): void => {
    const job = cluster.jobs.get(jobId);
    if (job?.current?.phase !== 'preparing') return;
    waited.push(now - job.submittedAt);
    const { worker, number } = job.current;
    report(jobId, worker, running(jobId, number));
    events.push({ at: now - Math.log(1 - random()) * jobMs, jobId, worker });
  };
  for (let next = events.pop(); next; next = events.pop()) {
    now = next.at;
    const { jobId, worker } = next;
    if (worker === null) {
      live += 1;
      const message = { type: 'submit', job: jobSpec(jobId), attempt: 0 } as const;
      act(jobId, () => void cluster.handle({ type: 'relay-message', connection: RELAY, message }, now));
      placed(jobId);
      if (live > peak) {
        peak = live;
        const most = Math.max(...[...attempts.values()].map(({ size }) => size));
        unevenness = most / Math.ceil(live / workers);
      }
      continue;
    }
    live -= 1;
    report(jobId, worker, ended(jobId, { exitCode: 0 }));
    act(jobId, () => {
      cluster.handle({ type: 'relay-message', connection: RELAY, message: { type: 'release', jobId } }, now);
    });
    cost.push((spent.get(jobId) ?? 0) * 1_000);
    spent.delete(jobId);
    // Whoever waited has the slot now.
    for (const other of cluster.workers.get(worker)?.attempts.values() ?? []) placed(other.jobId);
  }
  return { cost: summarise(cost), waited: summarise(waited), unevenness };
}

/** When in the day somebody begins to watch, 0 to 1: twice as often around eight in the evening. */
function arrivalIn(random: () => number): number {
  for (;;) {
    const at = random();
    const weight = (1 + Math.cos((at - 20 / 24) * 2 * Math.PI)) / 2;
    if (random() < 0.5 + weight / 2) return at;
  }
}
