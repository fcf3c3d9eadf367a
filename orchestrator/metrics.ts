import { type Counter, type Histogram, Registry } from 'prom-client';
import type { ScaleGroupView } from '#shared/api/schemas.ts';
import { eventLoopGauge } from '#shared/eventLoopMetrics.ts';
import { encoderGauge, gpuGauges } from '#shared/gpuMetrics.ts';
import { counter, type Exposition, exposition, gauge, histogram, seconds } from '#shared/metrics.ts';
import type { Cluster } from './core/cluster.ts';
import type { WorkerChange } from './core/effects.ts';
import type { Attempt, Job, Worker } from './core/model.ts';
import { takesJobs } from './core/ordinals.ts';
import { rank } from './core/strategies.ts';
import type { Observer } from './driver.ts';
import { EVENT_LOOP, METRICS, WORKER } from './metricTable.ts';
import { retryReason } from './retryReason.ts';
import { scaleGauges } from './scale/metrics.ts';

const JOB_CLASSES = ['playback', 'background'];
/** Upper bounds of a speed: playback stalls below 1. */
const SPEEDS = [0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2, 3, 5, 8, 13, 21, 34];

export class OrchestratorMetrics {
  readonly #registry = new Registry();
  readonly #posted = this.#counter('posted');
  readonly #completed = this.#counter('completed');
  readonly #succeeded = this.#counter('succeeded');
  readonly #failed = this.#counter('failed');
  readonly #killed = this.#counter('killed');
  readonly #ended = this.#counter('ended');
  readonly #attempts = this.#counter('attempts');
  readonly #retries = this.#counter('retries');
  readonly #fallbacks = this.#counter('fallbacks');
  readonly #reconnects = this.#counter('reconnects');
  readonly #dispatch: Histogram = seconds(this.#registry, METRICS.dispatch);
  readonly #queueWait = seconds(this.#registry, METRICS.queueWait);
  readonly #firstSegment = seconds(this.#registry, METRICS.firstSegment);
  readonly #speed = histogram(this.#registry, METRICS.speed, SPEEDS);
  /** The process behind each worker's name. */
  readonly #processes = new Map<string, string>();

  constructor(cluster: Cluster) {
    this.#single('posters', () => cluster.relays.length);
    this.#single('workers', () => connected(cluster).length);
    this.#perWorker('cpu', cluster, ({ load }) => load.cpu);
    this.#perWorker('tasks', cluster, ({ running }) => running);
    this.#perWorker('ops', cluster, ({ load }) => load.ops);
    this.#perWorker('rank', cluster, rank);
    this.#perWorker('slots', cluster, ({ slots }) => slots);
    this.#perWorker('ready', cluster, (worker) => Number(takesJobs(worker)));
    gpuGauges(this.#registry, 'clusterplex_worker', WORKER, () =>
      connected(cluster).map(({ name, load }) => ({ labels: { worker_name: name }, load })),
    );
    const gpus = () => connected(cluster).flatMap(({ capabilities }) => capabilities.gpus);
    encoderGauge(this.#registry, METRICS.sessions, gpus, ({ id }) => cluster.encoders.used(id));
    encoderGauge(this.#registry, METRICS.sessionLimit, gpus, (gpu) => cluster.encoders.limit(gpu));
    eventLoopGauge(this.#registry, EVENT_LOOP);
    // Prometheus sees no increase in a series that begins with it.
    for (const reason of ['no-worker', 'refused', 'lost', 'failed', 'incomplete']) {
      for (const jobClass of JOB_CLASSES) this.#fallbacks.inc({ class: jobClass, reason }, 0);
    }
    this.#perClass('queue', cluster, (job) => job.current === null);
    this.#perClass('running', cluster, (job) => job.current !== null);
  }

  readonly observe: Observer = (effect) => {
    if (effect.type === 'worker-changed') this.#workerChanged(effect.worker, effect.change);
    if (effect.type !== 'job-changed') return;
    const { job, event, attempt } = effect;
    if (event === 'submitted') this.#posted.inc();
    else if (event === 'attempt-ended') this.#attempts.inc({ reason: attempt?.outcome?.reason ?? 'failed' });
    else if (event === 'placed' && attempt) this.#placed(job, attempt);
    else if (event === 'ended') this.#jobEnded(job);
    else if (event === 'started' && job.attempts.length === 1 && attempt?.startedAt) {
      this.#dispatch.observe({ class: job.spec.jobClass }, (attempt.startedAt - job.submittedAt) / 1_000);
    }
  };

  watchHistory(history: { readonly unwritten: number }): void {
    this.#single('unwritten', () => history.unwritten);
  }

  /** PMS has the first segment of a job. */
  readonly firstSegment = ({ spec }: Job, attempt: Attempt, waitedMs: number): void => {
    const labels = { class: spec.jobClass, hardware: hardwareOf(attempt) };
    this.#firstSegment.observe(labels, waitedMs / 1_000);
  };

  tellScale(groups: () => readonly ScaleGroupView[]): void {
    scaleGauges(this.#registry, groups);
  }

  exposition(): Promise<Exposition> {
    return exposition(this.#registry);
  }

  #workerChanged({ name, instance }: Worker, change: WorkerChange): void {
    if (change === 'gone') {
      this.#processes.delete(name);
      this.#reconnects.remove({ worker_name: name });
    } else if (change === 'connected') {
      if (this.#processes.get(name) === instance) this.#reconnects.inc({ worker_name: name });
      this.#processes.set(name, instance);
    }
  }

  #placed(job: Job, attempt: Attempt): void {
    const { spec, story } = job;
    const place = story.findLastIndex(({ event, attempt: number }) => {
      return event === 'placed' && number === attempt.number;
    });
    const queued = story[place - 1];
    if (queued?.event === 'queued') {
      this.#queueWait.observe({ class: spec.jobClass }, (attempt.assignedAt - queued.at) / 1_000);
    }
    const reason = retryReason(job, attempt);
    if (reason !== null) this.#retries.inc({ reason });
  }

  #jobEnded(job: Job): void {
    if (!job.outcome) return;
    const { reason, exitCode } = job.outcome;
    this.#completed.inc();
    this.#ended.inc({ class: job.spec.jobClass, reason });
    if (reason === 'cancelled') this.#killed.inc();
    else if (exitCode === 0) this.#succeeded.inc();
    else this.#failed.inc();
    const last = job.attempts.at(-1);
    const speed = job.accepted?.speed ?? null;
    if (last && speed !== null) {
      this.#speed.observe({ class: job.spec.jobClass, hardware: hardwareOf(last) }, speed);
    }
    if (job.spec.local && reason !== 'exited' && reason !== 'cancelled') {
      this.#fallbacks.inc({ class: job.spec.jobClass, reason });
    }
  }

  #counter(key: keyof typeof METRICS): Counter {
    return counter(this.#registry, METRICS[key]);
  }

  #single(key: keyof typeof METRICS, read: () => number): void {
    gauge(this.#registry, METRICS[key], (metric) => metric.set(read()));
  }

  #perWorker(key: keyof typeof METRICS, cluster: Cluster, read: (worker: Worker) => number): void {
    gauge(this.#registry, METRICS[key], (metric) => {
      for (const worker of connected(cluster)) metric.set({ worker_name: worker.name }, read(worker));
    });
  }

  #perClass(key: keyof typeof METRICS, cluster: Cluster, counts: (job: Job) => boolean): void {
    gauge(this.#registry, METRICS[key], (metric) => {
      const jobs = [...cluster.jobs.values()].filter((job) => !job.outcome && counts(job));
      for (const jobClass of JOB_CLASSES) {
        metric.set({ class: jobClass }, jobs.filter(({ spec }) => spec.jobClass === jobClass).length);
      }
    });
  }
}

function hardwareOf({ hardware }: Attempt): 'gpu' | 'cpu' {
  return hardware ? 'gpu' : 'cpu';
}

function connected(cluster: Cluster): Worker[] {
  return [...cluster.workers.values()].filter(({ connection }) => connection !== null);
}
