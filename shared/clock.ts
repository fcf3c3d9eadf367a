/** A pending call; cancelling it after it ran does nothing. */
export interface Timer {
  cancel(): void;
}

/** The one clock. Tests replace it, so that time moves by hand. */
export interface Clock {
  /** Milliseconds of monotonic time: only differences mean something, and no clock change disturbs them. */
  now(): number;
  /** Calls once after `ms` milliseconds. */
  after(ms: number, call: () => void): Timer;
  /** Calls when what has arrived by now was handled, which may be more than what happens now. */
  soon(call: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const handle = setTimeout(call, ms);
    return { cancel: () => clearTimeout(handle) };
  },
  soon: (call) => void setImmediate(call),
};

/** How far the two clocks may drift apart before the wall clock counts as set anew, in milliseconds. */
const STEP_MS = 1_000;

/** Wall-clock times of a clock's moments, for people and for the API: the same until somebody sets the clock. */
export class WallClock {
  readonly #clock: Pick<Clock, 'now'>;
  #offset: number;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#offset = Date.now() - clock.now();
  }

  at(moment: number): Date {
    const offset = Date.now() - this.#clock.now();
    // Somebody set the time, or the machine was asleep, in which monotonic time stands still.
    if (Math.abs(offset - this.#offset) > STEP_MS) this.#offset = offset;
    return new Date(this.#offset + moment);
  }
}
