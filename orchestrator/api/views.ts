import type { JobStoryView, JobView, StorageView, WorkerSummary, WorkerView } from '#shared/api/schemas.ts';
import { type Clock, WallClock } from '#shared/clock.ts';
import type { Outcome } from '#shared/job.ts';
import { Redactor } from '#shared/redact.ts';
import { remedyFor } from '#shared/remedies.ts';
import type { Cluster } from '../core/cluster.ts';
import { isToGo } from '../core/drain.ts';
import { type Job, jobState, type Worker } from '../core/model.ts';
import type { FirstSegments } from './firstSegments.ts';

/** Turns what the core knows into what the API says. No argv and no env has a place in these shapes. */
export class Views {
  readonly #cluster: Cluster;
  readonly #wall: WallClock;
  readonly #firstSegments: Pick<FirstSegments, 'of'>;
  readonly #redactor: Redactor;

  constructor(
    cluster: Cluster,
    clock: Pick<Clock, 'now'>,
    firstSegments: Pick<FirstSegments, 'of'>,
    redactor = new Redactor([]),
  ) {
    this.#cluster = cluster;
    this.#wall = new WallClock(clock);
    this.#firstSegments = firstSegments;
    this.#redactor = redactor;
  }

  worker(worker: Worker): WorkerView {
    return { ...this.workerSummary(worker), capabilities: worker.capabilities };
  }

  workerSummary(worker: Worker): WorkerSummary {
    const { name, version, node, group, slots, running, storage, checks, load } = worker;
    return {
      name,
      state: workerState(worker),
      version,
      node,
      connectedAt: this.#time(worker.connectedAt),
      slots,
      running,
      group,
      leaving: worker.leavingSince !== null,
      jobs: [...worker.attempts.values()].flatMap(({ phase, jobId }) => (phase === 'ended' ? [] : [jobId])),
      storage: [...storage],
      checks: checks.map((check) => (check.ok ? check : { ...check, remedy: remedyFor(check.name) })),
      load,
    };
  }

  job(job: Job): JobView {
    const { jobId, session, jobClass, title, changes } = job.spec;
    const last = job.current ?? job.attempts.at(-1) ?? null;
    return {
      jobId,
      session,
      class: jobClass,
      title,
      state: jobState(job),
      attempt: job.lastAttempt,
      worker: last?.worker ?? null,
      submittedAt: this.#time(job.submittedAt),
      startedAt: this.#timeOrNull(last?.startedAt),
      endedAt: this.#timeOrNull(job.endedAt),
      reason: this.#clean(this.#reason(job)),
      outcome: this.#outcome(job.outcome),
      ranOnPms: job.onPms,
      progress: job.accepted?.progress ?? null,
      speed: job.accepted?.speed ?? null,
      announced: job.accepted?.announced ?? 0,
      firstSegmentMs: this.#firstSegments.of(job),
      hardware: last?.hardware ?? null,
      changes: [...changes, ...(last?.changes ?? []).map(({ name }) => name)],
    };
  }

  story(job: Job): JobStoryView {
    return {
      ...this.job(job),
      requirements: job.requirements,
      attempts: job.attempts.map((attempt) => ({
        attempt: attempt.number,
        worker: attempt.worker,
        assignedAt: this.#time(attempt.assignedAt),
        startedAt: this.#timeOrNull(attempt.startedAt),
        endedAt: this.#timeOrNull(attempt.endedAt),
        hardware: attempt.hardware,
        changes: [...attempt.changes],
        outcome: this.#outcome(attempt.outcome),
      })),
      story: job.story.map((entry) => {
        return { ...entry, at: this.#time(entry.at), message: this.#clean(entry.message) };
      }),
    };
  }

  /** When it ended, as a Unix time in milliseconds; 0 while it has not. */
  endedAt(job: Job): number {
    return job.endedAt === null ? 0 : this.#wall.at(job.endedAt).getTime();
  }

  storage(): StorageView {
    const { contracts, workers } = this.#cluster;
    return {
      contracts: [...contracts].map(([relay, mounts]) => {
        return { relay, mounts: mounts.map(({ path, mode, purpose }) => ({ path, mode, purpose })) };
      }),
      workers: [...workers.values()].map(({ name, storage }) => ({ name, mounts: [...storage] })),
    };
  }

  #reason(job: Job): string | null {
    if (job.outcome) return job.outcome.message ?? job.outcome.reason;
    if (!job.current) return this.#cluster.whyWaiting(job);
    return job.attempts.at(-2)?.outcome?.message ?? null;
  }

  #outcome(outcome: Outcome | null): Outcome | null {
    return outcome && { ...outcome, message: this.#clean(outcome.message) };
  }

  /** Of what others said: a worker's words are its transcoder's. */
  #clean(message: string | null): string | null {
    return message === null ? null : this.#redactor.redact(message);
  }

  #time(moment: number): string {
    return this.#wall.at(moment).toISOString();
  }

  #timeOrNull(moment: number | null | undefined): string | null {
    return moment === null || moment === undefined ? null : this.#time(moment);
  }
}

function workerState(worker: Worker): WorkerView['state'] {
  if (worker.connection === null) return 'disconnected';
  if (worker.draining || isToGo(worker)) return 'draining';
  if (worker.quarantined) return 'quarantined';
  return worker.ready ? 'ready' : 'not-ready';
}
