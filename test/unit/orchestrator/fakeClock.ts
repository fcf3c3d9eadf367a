import type { Clock, Timer } from '#shared/clock.ts';

interface Pending {
  readonly at: number;
  readonly call: () => void;
}

/** A clock that is moved by hand. */
export class FakeClock implements Clock {
  /** May be moved without any timer firing, as when the event loop is busy. */
  time = 0;
  #pending: Pending[] = [];

  /** When the next timer fires, in order. */
  get timers(): number[] {
    return this.#pending.map(({ at }) => at).sort((a, b) => a - b);
  }

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): Timer {
    const pending = { at: this.time + ms, call };
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending);
      },
    };
  }

  soon(call: () => void): void {
    process.nextTick(call);
  }

  advance(ms: number): void {
    const until = this.time + ms;
    for (let next = this.#soonest(until); next; next = this.#soonest(until)) {
      this.time = Math.max(this.time, next.at);
      const due = next;
      this.#pending = this.#pending.filter((other) => other !== due);
      due.call();
    }
    this.time = until;
  }

  #soonest(until: number): Pending | undefined {
    return this.#pending.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}
