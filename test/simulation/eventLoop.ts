import TinyQueue from 'tinyqueue';
import type { Clock, Timer } from '#shared/clock.ts';

interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** The one event loop of a simulated world: all that happens, in order, as fast as it can be computed. */
export class EventLoop {
  now = 0;
  steps = 0;
  #order = 0;
  #soon: (() => void)[] = [];
  readonly #tasks = new TinyQueue<Task>([], (a, b) => a.at - b.at || a.order - b.order);

  at(time: number, run: () => void): void {
    this.#order += 1;
    this.#tasks.push({ at: Math.max(time, this.now), order: this.#order, run });
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** Lets one thing happen, with what follows from it at once. False when nothing is left before `until`. */
  step(until: number): boolean {
    const task = this.#tasks.peek();
    if (!task || task.at > until) return false;
    this.#tasks.pop();
    this.now = task.at;
    this.steps += 1;
    task.run();
    for (let next = this.#soon.shift(); next; next = this.#soon.shift()) next();
    return true;
  }
}

/** A process: it can die, for good, and it can be frozen for a while, as a machine without CPU or a stopped one is. */
export class SimProcess {
  alive = true;
  readonly #loop: EventLoop;
  #frozenUntil = 0;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  get frozen(): boolean {
    return this.#loop.now < this.#frozenUntil;
  }

  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#loop.now + ms);
  }

  /** Does something in this process: never when it is dead, later when it is frozen. */
  run(call: () => void): void {
    if (!this.alive) return;
    if (this.frozen) this.#loop.at(this.#frozenUntil, () => this.run(call));
    else call();
  }

  readonly clock: Clock = {
    now: () => this.#loop.now,
    after: (ms, call): Timer => {
      let live = true;
      this.#loop.at(this.#loop.now + ms, () => {
        this.run(() => {
          if (live) call();
        });
      });
      return {
        cancel: () => {
          live = false;
        },
      };
    },
    soon: (call) => this.#loop.soon(() => this.run(call)),
  };
}
