/** How many workers there should be: what was asked for in peace, and for a while. */
export interface ScaleSpec {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

export interface Burst {
  readonly workers: number;
  /** Time of the core's clock, in milliseconds. */
  readonly until: number;
}

/** The spec and its bursts; what time it is, and what the queue needs, is told with each question. */
export class Scale {
  #spec: ScaleSpec;
  #bursts: readonly Burst[] = [];

  constructor(spec: ScaleSpec) {
    this.#spec = spec;
  }

  get spec(): ScaleSpec {
    return this.#spec;
  }

  /** Keeps what it can't reconcile from happening: the last given bound moves the others. */
  change(change: Partial<ScaleSpec>): void {
    const next = { ...this.#spec, ...change };
    if (change.maximum !== undefined && next.minimum > next.maximum) next.minimum = next.maximum;
    next.maximum = Math.max(next.minimum, next.maximum);
    this.#spec = { ...next, desired: clamp(next.desired, next) };
  }

  burst(burst: Burst): void {
    this.#bursts = [...this.#bursts, burst];
  }

  activeBursts(now: number): readonly Burst[] {
    this.#bursts = this.#bursts.filter(({ until }) => until > now);
    return this.#bursts;
  }

  /**
   * @param needed workers that would hold all running and waiting jobs
   */
  desired(now: number, needed: number): number {
    const bursts = this.activeBursts(now).map(({ workers }) => workers);
    return clamp(Math.max(this.#spec.desired, needed, ...bursts), this.#spec);
  }
}

function clamp(value: number, { minimum, maximum }: ScaleSpec): number {
  return Math.min(maximum, Math.max(minimum, value));
}
