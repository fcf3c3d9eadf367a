import type { EventLoop } from './eventLoop.ts';

/** A time in which nothing happens in a process, on a machine or with its storage. */
export class Standstill {
  readonly #loop: EventLoop;
  #until = 0;
  #timers: (() => void)[] = [];
  #arrived: (() => void)[] = [];

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  get lasts(): boolean {
    return this.#loop.now < this.#until;
  }

  begin(ms: number): void {
    this.#until = Math.max(this.#until, this.#loop.now + ms);
    this.#loop.at(this.#until, () => this.#over());
  }

  /** Whether this has to wait. */
  holds(what: 'timer' | 'arrival', call: () => void): boolean {
    if (this.lasts) (what === 'timer' ? this.#timers : this.#arrived).push(call);
    return this.lasts;
  }

  /** Node's event loop looks at its timers before its sockets: all that fell due comes before all that arrived. */
  #over(): void {
    if (this.lasts) return;
    const calls = [...this.#timers, ...this.#arrived];
    this.#timers = [];
    this.#arrived = [];
    for (const call of calls) this.#loop.at(this.#loop.now, call);
  }
}
