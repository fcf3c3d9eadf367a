import { type Counter, type Histogram, Registry } from 'prom-client';
import { encoderGauge, GPU_LABELS, gpuGauges, gpuMetrics } from '#shared/gpuMetrics.ts';
import { counter, type Exposition, exposition, gauge, type MetricEntry, seconds } from '#shared/metrics.ts';
import type { Cluster } from './core/cluster.ts';
import type { Attempt, Job, Worker } from './core/model.ts';
import { rank } from './core/strategies.ts';
import type { Observer } from './driver.ts';

const WORKER = ['worker_name'];

/** The first eleven are ClusterPlex's, with their names and labels, so that its dashboards go on working. */
const METRICS = {
  posted: { name: 'jobs_posted', type: 'counter', help: 'Jobs that were submitted', labels: [] },
  completed: { name: 'jobs_completed', type: 'counter', help: 'Jobs that ended', labels: [] },
  succeeded: {
    name: 'jobs_succeeded',
    type: 'counter',
    help: 'Jobs that ended with exit code 0',
    labels: [],
  },
  failed: { name: 'jobs_failed', type: 'counter', help: 'Jobs that ended otherwise', labels: [] },
  killed: { name: 'jobs_killed', type: 'counter', help: 'Jobs that were cancelled', labels: [] },
  posters: { name: 'job_posters_active', type: 'gauge', help: 'Connected relays', labels: [] },
  workers: { name: 'workers_active', type: 'gauge', help: 'Connected workers', labels: [] },
  cpu: { name: 'worker_load_cpu', type: 'gauge', help: 'CPU load, 0 to 100 % of its cgroup', labels: WORKER },
  tasks: { name: 'worker_load_tasks', type: 'gauge', help: 'Attempts that it runs', labels: WORKER },
  ops: {
    name: 'worker_load_ops',
    type: 'gauge',
    help: 'Operations of its start-up benchmark',
    labels: WORKER,
  },
  rank: {
    name: 'worker_load_rank',
    type: 'gauge',
    help: 'Operations times idle share of CPU',
    labels: WORKER,
  },
  slots: {
    name: 'clusterplex_worker_slots',
    type: 'gauge',
    help: 'Attempts it takes at once',
    labels: WORKER,
  },
  ready: {
    name: 'clusterplex_worker_ready',
    type: 'gauge',
    help: '1 when it takes jobs, else 0',
    labels: WORKER,
  },
  queue: { name: 'clusterplex_queue_jobs', type: 'gauge', help: 'Jobs without a worker', labels: ['class'] },
  running: { name: 'clusterplex_running_jobs', type: 'gauge', help: 'Jobs on a worker', labels: ['class'] },
  ended: {
    name: 'clusterplex_jobs_ended_total',
    type: 'counter',
    help: 'Jobs that ended, by the reason of their outcome',
    labels: ['class', 'reason'],
  },
  attempts: {
    name: 'clusterplex_attempts_ended_total',
    type: 'counter',
    help: 'Attempts that ended, by the reason of their outcome',
    labels: ['reason'],
  },
  retries: {
    name: 'clusterplex_retries_total',
    type: 'counter',
    help: 'Attempts after which another one followed, by the reason of their outcome; `incomplete`: exit code 0 was not believed',
    labels: ['reason'],
  },
  dispatch: {
    name: 'clusterplex_dispatch_seconds',
    type: 'histogram',
    help: 'From the submission of a job to the start of its first transcoder',
    labels: ['class'],
  },
  sessions: {
    name: 'clusterplex_card_encoder_sessions',
    type: 'gauge',
    help: 'Attempts that encode on the card, of all workers on it',
    labels: GPU_LABELS,
  },
  sessionLimit: {
    name: 'clusterplex_card_encoder_sessions_limit',
    type: 'gauge',
    help: 'How many may: what the driver is known to give, or what was learnt; absent without a limit',
    labels: GPU_LABELS,
  },
} as const satisfies Record<string, MetricEntry>;

export const ORCHESTRATOR_METRICS: readonly MetricEntry[] = [
  ...Object.values(METRICS),
  ...gpuMetrics('clusterplex_worker', WORKER),
];

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
  readonly #dispatch: Histogram = seconds(this.#registry, METRICS.dispatch);

  constructor(cluster: Cluster) {
    this.#single('posters', () => cluster.relays.length);
    this.#single('workers', () => connected(cluster).length);
    this.#perWorker('cpu', cluster, ({ load }) => load.cpu);
    this.#perWorker('tasks', cluster, ({ running }) => running);
    this.#perWorker('ops', cluster, ({ load }) => load.ops);
    this.#perWorker('rank', cluster, rank);
    this.#perWorker('slots', cluster, ({ slots }) => slots);
    this.#perWorker('ready', cluster, ({ ready, draining, drained, quarantined }) =>
      Number(ready && !draining && !drained && !quarantined),
    );
    gpuGauges(this.#registry, 'clusterplex_worker', WORKER, () =>
      connected(cluster).map(({ name, load }) => ({ labels: { worker_name: name }, load })),
    );
    const gpus = () => connected(cluster).flatMap(({ capabilities }) => capabilities.gpus);
    encoderGauge(this.#registry, METRICS.sessions, gpus, ({ id }) => cluster.encoders.used(id));
    encoderGauge(this.#registry, METRICS.sessionLimit, gpus, (gpu) => cluster.encoders.limit(gpu));
    this.#perClass('queue', cluster, (job) => job.current === null);
    this.#perClass('running', cluster, (job) => job.current !== null);
  }

  readonly observe: Observer = (effect) => {
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

  exposition(): Promise<Exposition> {
    return exposition(this.#registry);
  }

  #placed({ attempts }: Job, attempt: Attempt): void {
    const before = attempts[attempts.indexOf(attempt) - 1];
    const again = before?.doubt ? 'incomplete' : before?.outcome?.reason;
    const reason = attempt.software && !before?.software ? 'hardware' : again;
    if (before && reason) this.#retries.inc({ reason });
  }

  #jobEnded(job: Job): void {
    if (!job.outcome) return;
    const { reason, exitCode } = job.outcome;
    this.#completed.inc();
    this.#ended.inc({ class: job.spec.jobClass, reason });
    if (reason === 'cancelled') this.#killed.inc();
    else if (exitCode === 0) this.#succeeded.inc();
    else this.#failed.inc();
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
      for (const jobClass of ['playback', 'background']) {
        metric.set({ class: jobClass }, jobs.filter(({ spec }) => spec.jobClass === jobClass).length);
      }
    });
  }
}

function connected(cluster: Cluster): Worker[] {
  return [...cluster.workers.values()].filter(({ connection }) => connection !== null);
}
