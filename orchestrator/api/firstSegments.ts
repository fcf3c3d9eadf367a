import type { Job } from '../core/model.ts';
import type { Observer } from '../driver.ts';

/** How long PMS waited for the first segment of each job, in milliseconds. */
export class FirstSegments {
  readonly #waited = new WeakMap<Job, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed' || effect.event !== 'progress') return;
    const { job } = effect;
    if ((job.accepted?.announced ?? 0) === 0 || this.#waited.has(job)) return;
    this.#waited.set(job, Math.round(this.#now() - job.submittedAt));
  };

  /** Null while there is none, and of jobs whose first segment nobody saw. */
  of(job: Job): number | null {
    return this.#waited.get(job) ?? null;
  }
}
