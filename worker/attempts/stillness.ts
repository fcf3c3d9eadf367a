import type { Clock, Timer } from '#shared/clock.ts';

const LOOK_MS = 1_000;

/** Whether anything of a transcoder has run since one looked last. */
export class Stillness {
  readonly #clock: Clock;
  readonly #look: () => string | null;
  readonly #changed: () => void;
  #sign: string | null = null;
  #isStill = false;
  #timer: Timer | null = null;

  /** @param look says something else as soon as anything has run, and null when it can't stand still */
  constructor(clock: Clock, look: () => string | null, changed: () => void) {
    this.#clock = clock;
    this.#look = look;
    this.#changed = changed;
  }

  get isStill(): boolean {
    return this.#isStill;
  }

  watch(): void {
    this.#timer = this.#clock.after(LOOK_MS, () => {
      const sign = this.#look();
      const isStill = sign !== null && sign === this.#sign;
      const isNew = isStill !== this.#isStill;
      this.#sign = sign;
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
