import { eventLoopMetric } from '#shared/eventLoopMetrics.ts';
import { GPU_LABELS, gpuMetrics } from '#shared/gpuMetrics.ts';
import type { MetricEntry } from '#shared/metrics.ts';
import { LEADER_METRICS } from './leader/metrics.ts';
import { SCALE_METRICS } from './scale/metrics.ts';

export const WORKER = ['worker_name'];
const WORK = ['class', 'hardware'];

/** The first eleven are ClusterPlex's, with their names and labels, so that its dashboards go on working. */
export const METRICS = {
  posted: { name: 'jobs_posted', type: 'counter', help: 'Jobs that were submitted', labels: [] },
  completed: { name: 'jobs_completed', type: 'counter', help: 'Jobs that ended', labels: [] },
  succeeded: {
    name: 'jobs_succeeded',
    type: 'counter',
    help: 'Jobs that ended with exit code 0',
    labels: [],
  },
  failed: {
    name: 'jobs_failed',
    type: 'counter',
    help: 'Jobs that ended otherwise; those that PMS then ran itself among them',
    labels: [],
  },
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
  queueWait: {
    name: 'clusterplex_queue_wait_seconds',
    type: 'histogram',
    help: 'How long a job waited for a worker, each time that it got one',
    labels: ['class'],
  },
  firstSegment: {
    name: 'clusterplex_first_segment_seconds',
    type: 'histogram',
    help: 'From the submission of a job to the first segment that PMS accepted; `hardware`: gpu or cpu',
    labels: WORK,
  },
  speed: {
    name: 'clusterplex_job_speed',
    type: 'histogram',
    help: 'What the transcoder of a job that ended told PMS last of its speed; 1 is as fast as it is played',
    labels: WORK,
  },
  fallbacks: {
    name: 'clusterplex_fallbacks_total',
    type: 'counter',
    help: 'Jobs that were given back to be run where PMS is, by the reason of their outcome; not those that no orchestrator was asked for',
    labels: ['class', 'reason'],
  },
  reconnects: {
    name: 'clusterplex_worker_reconnects_total',
    type: 'counter',
    help: 'How often the worker’s process lost its connection and came back',
    labels: WORKER,
  },
  unwritten: {
    name: 'clusterplex_history_unwritten_jobs',
    type: 'gauge',
    help: 'Jobs that have ended and wait in memory, since the history’s file can’t be written; at most 1000',
    labels: [],
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

export const EVENT_LOOP = eventLoopMetric('clusterplex_orchestrator');

/** What `GET /metrics` may tell. */
export const ORCHESTRATOR_METRICS: readonly MetricEntry[] = [
  ...Object.values(METRICS),
  ...gpuMetrics('clusterplex_worker', WORKER),
  ...Object.values(SCALE_METRICS),
  EVENT_LOOP,
  ...LEADER_METRICS,
];
