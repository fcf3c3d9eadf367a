import type { Job } from '../core/model.ts';
import type { Observer } from '../driver.ts';

/** How long PMS waited for the first segment of each job, in milliseconds. */
export class FirstSegments {
  readonly #waited = new WeakMap<Job, number>();
  readonly #now: () => number;
  #longest: number | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed' || effect.event !== 'progress') return;
    const { job } = effect;
    if ((job.accepted?.announced ?? 0) === 0 || this.#waited.has(job)) return;
    // It came to an orchestrator before this one.
    if (job.attempts.some(({ adopted }) => adopted)) return;
    const waited = Math.round(this.#now() - job.submittedAt);
    this.#waited.set(job, waited);
    this.#longest = Math.max(this.#longest ?? 0, waited);
  };

  /** Null while there is none, and of jobs whose first segment nobody saw. */
  of(job: Job): number | null {
    return this.#waited.get(job) ?? null;
  }

  /** The longest of all that came since this was asked last; null when none came. */
  takeLongest(): number | null {
    const longest = this.#longest;
    this.#longest = null;
    return longest;
  }
}
