import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import { nextReplicas } from '../core/ordinals.ts';
import type { Replicas } from './statefulSet.ts';

/** Somebody else may have changed it. */
const LOOK_AGAIN_MS = 15_000;
const RETRY_MS = 5_000;

export interface ApplierOptions {
  /** Whose replicas these are, for people. */
  readonly group: string;
  /** Finds them; may fail, and is then asked again. */
  readonly open: () => Promise<Replicas>;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  /** Then what fails is no news. */
  readonly stopped: AbortSignal;
}

/** Brings the replicas of a group into line, one request at a time; what fails is told and tried again. */
export class Applier {
  readonly #options: ApplierOptions;
  #replicas: Replicas | null = null;
  #wanted = (actual: number): number => actual;
  /** As they were seen or set last. */
  #actual: number | null = null;
  #nextAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #problem: string | null = null;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Why reality does not follow; null while it does. */
  get problem(): string | null {
    return this.#problem;
  }

  /**
   * Asks when something has changed, or it was long ago; never rejects.
   *
   * @param kept fewer would remove somebody who is to stay
   */
  async want(desired: number, kept: number): Promise<void> {
    const { clock } = this.#options;
    // Also for a request that is under way: who was to go may be called back meanwhile.
    this.#wanted = (actual) => nextReplicas(actual, desired, kept);
    const hasNews =
      this.#problem === null && this.#actual !== null && this.#wanted(this.#actual) !== this.#actual;
    if (this.#isAsking || (clock.now() < this.#nextAt && !hasNews)) return;
    this.#isAsking = true;
    try {
      await this.#bring();
      this.#problem = null;
    } catch (error) {
      this.#complain(coerceError(error).message);
    } finally {
      this.#nextAt = clock.now() + (this.#problem === null ? LOOK_AGAIN_MS : RETRY_MS);
      this.#isAsking = false;
    }
  }

  /** Whoever leads now decides, also about a request that is under way. */
  hold(): void {
    this.#wanted = (actual) => actual;
  }

  async #bring(): Promise<void> {
    const { group, open, logger } = this.#options;
    this.#replicas ??= await open();
    const before = await this.#replicas.read();
    const replicas = this.#wanted(before);
    if (replicas !== before) {
      await this.#replicas.write(replicas);
      logger.info({ group, before, replicas }, 'scaled');
    }
    this.#actual = replicas;
  }

  #complain(problem: string): void {
    const { group, logger, stopped } = this.#options;
    if (problem !== this.#problem && !stopped.aborted) {
      logger.warn({ group, problem }, 'can’t scale; it is tried again');
    }
    this.#problem = problem;
  }
}
