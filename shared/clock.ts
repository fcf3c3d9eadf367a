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
  /** Calls when what happens now is done, before anything else happens. */
  soon(call: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const handle = setTimeout(call, ms);
    return { cancel: () => clearTimeout(handle) };
  },
  soon: (call) => process.nextTick(call),
};

/** The wall-clock time of a moment of `clock`, for people and for the API. */
export function wallTime(clock: Clock, moment: number): Date {
  return new Date(Date.now() + (moment - clock.now()));
}
