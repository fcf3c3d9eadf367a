import type { JobSpec } from '#shared/job.ts';
import type { Span, Tracing } from '#shared/tracing/tracing.ts';
import type { HeldJob } from './heldJob.ts';

interface Traced {
  /** From the start of the hook to its end. */
  readonly job: Span;
  /** Until the orchestrator says that it has the job. */
  readonly submit: Span;
  isAnswered: boolean;
  /** What happened to the job so far. */
  readonly events: Set<string>;
}

/** Makes the spans of hooks, which have no time for it themselves, and of what this relay does for them. */
export class JobTraces {
  readonly #tracing: Tracing;
  readonly #traced = new Map<string, Traced>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /**
   * A hook brought the job, perhaps not for the first time.
   *
   * @param startedAt when the hook was started, in milliseconds since 1970
   * @returns the job with the context of its trace, if it has one
   */
  taken(spec: JobSpec, startedAt: number | null): JobSpec {
    const known = this.#traced.get(spec.jobId)?.job;
    const job = known ?? this.#tracing.begin(spec.jobId, startedAt);
    if (!job) return spec;
    const { traceparent } = job;
    if (!known) {
      const { jobId, session, jobClass, title, changes } = spec;
      job.set({
        'clusterplex.job.id': jobId,
        'clusterplex.job.class': jobClass,
        'clusterplex.job.title': title,
        'clusterplex.session': session,
      });
      const submit = this.#tracing.span('submit', traceparent);
      submit.set({ 'clusterplex.job.id': jobId, 'clusterplex.changes': changes });
      this.#traced.set(jobId, { job, submit, isAnswered: false, events: new Set() });
    }
    return { ...spec, traceparent };
  }

  /** The orchestrator said something of the job. */
  answered(jobId: string): void {
    const traced = this.#traced.get(jobId);
    if (!traced || traced.isAnswered) return;
    traced.isAnswered = true;
    traced.submit.end(null);
  }

  /** PMS accepted something of it. */
  accepted({ spec, attempt, accepted }: HeldJob): void {
    const traced = this.#traced.get(spec.jobId);
    if (!traced) return;
    const once = (event: string): void => {
      if (traced.events.has(event)) return;
      traced.events.add(event);
      traced.job.event(event, { 'clusterplex.attempt': attempt });
    };
    if (accepted.progress !== null) once('first progress');
    if (accepted.announced > 0) once('first segment');
  }

  /** The hook has its exit code, runs the job itself, or is gone. */
  dropped({ spec, verdict, outcome, attempt, signal, isTakenOver }: HeldJob): void {
    const traced = this.#traced.get(spec.jobId);
    if (!traced) return;
    this.#traced.delete(spec.jobId);
    if (!traced.isAnswered) traced.submit.end('unanswered');
    const exitCode = verdict && 'exit' in verdict ? verdict.exit : null;
    const runsHere = isTakenOver || (verdict !== null && exitCode === null);
    // Its hook is gone without a word of ours: PMS killed it.
    const isCancelled = signal !== null || (verdict === null && !runsHere);
    traced.job.set({
      'clusterplex.outcome': isCancelled ? 'cancelled' : (outcome?.reason ?? null),
      'clusterplex.local': runsHere,
      'clusterplex.attempt': attempt,
      'process.exit.code': exitCode,
    });
    traced.job.end(exitCode === 0 || exitCode === null || isCancelled ? null : `exit code ${exitCode}`);
  }
}
