import TinyQueue from 'tinyqueue';

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
