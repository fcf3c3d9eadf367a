import type { Attempt, Job } from '../core/model.ts';
import type { Observer } from '../driver.ts';

/** How long PMS waited for the first segment of each job, in milliseconds. */
export class FirstSegments {
  /** Null for those of which nobody knows. */
  readonly #waited = new WeakMap<Job, number | null>();
  readonly #came: (job: Job, attempt: Attempt, waited: number) => void;
  #longest: number | null = null;

  /** @param came a first segment came */
  constructor(came: (job: Job, attempt: Attempt, waited: number) => void = () => undefined) {
    this.#came = came;
  }

  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed' || effect.event !== 'progress') return;
    const { job, attempt } = effect;
    const { accepted, attempts, submittedAt } = job;
    if (!accepted || accepted.announced === 0 || this.#waited.has(job)) return;
    this.#waited.set(job, null);
    // Of a job from before a restart nobody knows when it was submitted.
    if (attempt?.number !== accepted.attempt || attempts.some(({ adopted }) => adopted)) return;
    const waited = Math.round(attempt.progressedAt - submittedAt);
    this.#waited.set(job, waited);
    this.#longest = Math.max(this.#longest ?? 0, waited);
    this.#came(job, attempt, waited);
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
