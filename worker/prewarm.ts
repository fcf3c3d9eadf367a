import type { Clock, Timer } from '#shared/clock.ts';

/** By then the kernel may have put the transcoder's pages to other use. */
const IDLE_MS = 3_600_000;

/** The least that a process can have, as `nice` counts: whatever else this machine does goes first. */
export const WARMING_NICENESS = 19;

export interface PrewarmOptions {
  readonly clock: Clock;
  isIdle(): boolean;
  /** Has the transcoder, its codecs and its drivers read again; bounded in time. */
  warm(): Promise<void>;
}

/** Keeps what a worker needs for its next job in memory: the trials at its start read it, and so does this, once an hour idle. */
export class Prewarm {
  readonly #options: PrewarmOptions;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: PrewarmOptions) {
    this.#options = options;
  }

  /** Everything was read just now: it was tried, or a job began or ended. */
  used(): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(IDLE_MS, () => {
      const { isIdle, warm } = this.#options;
      if (isIdle()) void warm().finally(() => this.used());
      else this.used();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
