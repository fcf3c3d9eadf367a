import type { Message } from '#shared/protocol/messages.ts';
import type { HeldJob } from './heldJob.ts';
import type { Timers } from './timers.ts';

const INTERVAL_MS = 1_000;

/** What the orchestrator hears of jobs that run: how far they are, and whether they wait for PMS. */
export class Reports {
  readonly #timers: Timers;
  readonly #send: (message: Message<'relayToOrchestrator'>) => void;

  constructor(timers: Timers, send: (message: Message<'relayToOrchestrator'>) => void) {
    this.#timers = timers;
    this.#send = send;
  }

  /** An orchestrator has the job: what another one may have been told. */
  submitted(job: HeldJob): void {
    if (job.accepted.progress !== null || job.announcements.resume !== null) this.#checkpoint(job);
    job.toldWaiting = false;
    this.#tellWaiting(job);
  }

  /** PMS has accepted something of this job. Told at once when it is a segment, else at most once a second. */
  accepted(job: HeldJob): void {
    const key = `checkpoint:${job.spec.jobId}`;
    if (this.#timers.has(key) && job.checkpointed === job.announcements.resume) {
      job.checkpointDue = true;
      return;
    }
    job.checkpointDue = false;
    this.#checkpoint(job);
    this.#timers.set(key, INTERVAL_MS, () => {
      if (job.checkpointDue) this.accepted(job);
    });
  }

  /** Its transcoder has called, or has got its answer. What lasts less than a second is not worth a word. */
  called(job: HeldJob): void {
    const key = `waiting:${job.spec.jobId}`;
    if (!this.#timers.has(key)) this.#timers.set(key, INTERVAL_MS, () => this.#tellWaiting(job));
  }

  cancel(jobId: string): void {
    for (const what of ['checkpoint', 'waiting']) this.#timers.cancel(`${what}:${jobId}`);
  }

  #checkpoint(job: HeldJob): void {
    const checkpoint = job.checkpoint();
    if (checkpoint) this.#send(checkpoint);
  }

  #tellWaiting(job: HeldJob): void {
    const { spec, attempt, waiting } = job;
    if (attempt === 0 || waiting === job.toldWaiting) return;
    job.toldWaiting = waiting;
    this.#send({ type: 'waiting', jobId: spec.jobId, attempt, waiting });
  }
}
