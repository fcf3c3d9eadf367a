import type { ByteString } from '#shared/bytes.ts';
import type { AttemptStatus } from '#shared/job.ts';
import type { DesiredAttempt, Received } from '#shared/protocol/messages.ts';
import { isUnder } from '#shared/storage/mounts.ts';
import { Attempt, type AttemptContext, type GivenJob } from './attempt.ts';

/**
 * What this worker runs, brought into line with what the orchestrator wants it to run. An attempt that has ended stays
 * until the orchestrator no longer lists it.
 */
export class Attempts {
  readonly #context: AttemptContext;
  readonly #attempts = new Map<string, Attempt>();
  /** What the orchestrator listed last; null before it listed anything. */
  #wanted: ReadonlySet<string> | null = null;
  #closed = false;
  #onEmpty: (() => void) | null = null;

  constructor(context: Omit<AttemptContext, 'changed'>, changed: () => void) {
    this.#context = {
      ...context,
      changed: () => {
        // A successor may have waited for this one's end: there are never two writers.
        this.#startWaiting();
        this.#forgetUnwanted();
        if (this.running === 0) this.#onEmpty?.();
        changed();
      },
    };
  }

  get statuses(): AttemptStatus[] {
    return [...this.#attempts.values()].map(({ status }) => status);
  }

  /** Attempts that have not ended. */
  get running(): number {
    return this.commands.length;
  }

  /** What they run, or are about to run. */
  get commands(): (readonly ByteString[])[] {
    return [...this.#attempts.values()].flatMap(({ phase, job }) => (phase === 'ended' ? [] : [job.argv]));
  }

  /** @param jobOf the job of an attempt that is new here; without one it is left, and the orchestrator sends both again */
  reconcile(desired: readonly DesiredAttempt[], jobOf: (jobId: string) => GivenJob | undefined): void {
    const wanted = new Set<string>();
    for (const { jobId, attempt: number, end, handBack } of desired) {
      const key = `${jobId} ${number}`;
      wanted.add(key);
      const known = this.#attempts.get(key);
      if (known && end && handBack) known.giveUp('the worker is being drained');
      else if (known && end) known.end(end);
      const given = known || end || this.#closed ? undefined : jobOf(jobId);
      if (given) this.#attempts.set(key, new Attempt(given, number, this.#context));
    }
    this.#wanted = wanted;
    for (const [key, attempt] of this.#attempts) {
      // Nobody cancelled it: an orchestrator that starts before it has ended is to start the job again.
      if (!wanted.has(key)) attempt.giveUp('the orchestrator lists it no longer');
    }
    this.#forgetUnwanted();
    this.#startWaiting();
  }

  received({ jobId, attempt, offset, again }: Received): void {
    this.#attempts.get(`${jobId} ${attempt}`)?.received(offset, again);
  }

  /** After a reconnect: what was under way when the connection broke is sent again. */
  resend(): void {
    for (const attempt of this.#attempts.values()) attempt.resend();
  }

  /**
   * Takes nothing more, hands everything back so that others may go on with it, and resolves when all have ended.
   *
   * @param patienceMs how long what somebody watches may still go on
   */
  async close(reason: string, patienceMs: number): Promise<void> {
    this.#closed = true;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    this.#giveUp(reason, ({ job }) => job.jobClass === 'background' || patienceMs === 0);
    const patience = this.#context.clock.after(patienceMs, () => this.#giveUp(reason, () => true));
    if (this.running === 0) this.#onEmpty?.();
    await empty;
    patience.cancel();
  }

  /** Ends those that use files there, so that they go on with what is there now. */
  leave(directory: string, reason: string): void {
    this.#giveUp(reason, ({ files }) => files.some((file) => isUnder(directory, file)));
  }

  #giveUp(reason: string, passes: (attempt: Attempt) => boolean): void {
    for (const attempt of this.#attempts.values()) {
      if (attempt.phase !== 'ended' && passes(attempt)) attempt.giveUp(reason);
    }
  }

  /** The orchestrator knows that they have ended, or does not care. */
  #forgetUnwanted(): void {
    for (const [key, { phase }] of this.#attempts) {
      if (phase === 'ended' && this.#wanted !== null && !this.#wanted.has(key)) this.#attempts.delete(key);
    }
  }

  #startWaiting(): void {
    for (const attempt of this.#attempts.values()) {
      if (attempt.phase !== 'preparing') continue;
      if (this.#hasLivePredecessor(attempt)) attempt.wait();
      else attempt.start();
    }
  }

  #hasLivePredecessor({ job, number }: Attempt): boolean {
    for (const other of this.#attempts.values()) {
      if (other.job.jobId === job.jobId && other.number < number && other.phase !== 'ended') return true;
    }
    return false;
  }
}
