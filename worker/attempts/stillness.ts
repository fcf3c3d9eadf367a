import type { Clock, Timer } from '#shared/clock.ts';

const LOOK_MS = 1_000;

/** A transcoder that has lost its GPU may spin for ever; one that only computes for so long has not been seen. */
const WITHOUT_TRAFFIC_MS = 60_000;

/** What a look at a transcoder shows. */
export interface Signs {
  /** Another as soon as anything has run; null when it can't stand still. */
  readonly standing: string | null;
  /** Bytes read and written; null when that says nothing. */
  readonly traffic: number | null;
}

/** Whether a transcoder gets on: since one looked last nothing of it has run, or for long it has neither read nor written. */
export class Stillness {
  readonly #clock: Clock;
  readonly #look: () => Signs;
  readonly #changed: () => void;
  #signs: Signs = { standing: null, traffic: null };
  #movedAt = 0;
  #isStill = false;
  #timer: Timer | null = null;

  constructor(clock: Clock, look: () => Signs, changed: () => void) {
    this.#clock = clock;
    this.#look = look;
    this.#changed = changed;
  }

  get isStill(): boolean {
    return this.#isStill;
  }

  watch(): void {
    this.#timer = this.#clock.after(LOOK_MS, () => {
      const signs = this.#look();
      const now = this.#clock.now();
      if (signs.traffic === null || signs.traffic !== this.#signs.traffic) this.#movedAt = now;
      const stands = signs.standing !== null && signs.standing === this.#signs.standing;
      const isStill = stands || now - this.#movedAt >= WITHOUT_TRAFFIC_MS;
      const isNew = isStill !== this.#isStill;
      this.#signs = signs;
      this.#isStill = isStill;
      this.watch();
      if (isNew) this.#changed();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#isStill = false;
  }
}
