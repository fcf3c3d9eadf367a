import type { Clock, Timer } from '#shared/clock.ts';

/** What is waited for, by name. */
export class Timers {
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(name: string): boolean {
    return this.#timers.has(name);
  }

  /** In place of what was waited for under this name. */
  set(name: string, ms: number, call: () => void): void {
    this.cancel(name);
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(name);
      call();
    });
    this.#timers.set(name, timer);
  }

  cancel(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  cancelAll(): void {
    for (const name of [...this.#timers.keys()]) this.cancel(name);
  }
}
