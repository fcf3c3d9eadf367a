import type { Worker } from './model.ts';
import { compareKeys, type Key } from './strategies.ts';

interface Entry {
  readonly worker: Worker;
  key: Key;
  position: number;
}

/**
 * The workers that could take another job now, in the strategy's order: a binary heap whose entries can move, so that
 * choosing among 100,000 workers costs little more than among ten.
 */
export class Candidates {
  readonly #keyOf: (worker: Worker) => Key;
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<string, Entry>();

  constructor(keyOf: (worker: Worker) => Key) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** To be called after anything about the worker changed that placement looks at. */
  update(worker: Worker): void {
    this.remove(worker.name);
    if (!canTakeAnother(worker)) return;
    const entry: Entry = { worker, key: this.#keyOf(worker), position: this.#heap.length };
    this.#entries.set(worker.name, entry);
    this.#heap.push(entry);
    this.#up(entry);
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    const last = this.#heap.pop();
    if (!last || last === entry) return;
    this.#set(entry.position, last);
    this.#up(last);
    this.#down(last);
  }

  /** The best worker that passes; null when none does. */
  choose(passes: (worker: Worker) => boolean): Worker | null {
    const top = this.#heap[0];
    if (!top || passes(top.worker)) return top?.worker ?? null;
    // Rare: the best one is not for this job (it failed at it, say).
    const inOrder = [...this.#heap].sort((a, b) => compareKeys(a.key, b.key));
    return inOrder.find(({ worker }) => passes(worker))?.worker ?? null;
  }

  #up(entry: Entry): void {
    while (entry.position > 0) {
      const parent = this.#heap[(entry.position - 1) >> 1];
      if (!parent || compareKeys(parent.key, entry.key) <= 0) return;
      this.#swap(parent, entry);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.position + 1];
      const right = this.#heap[2 * entry.position + 2];
      const child = right && left && compareKeys(right.key, left.key) < 0 ? right : left;
      if (!child || compareKeys(entry.key, child.key) <= 0) return;
      this.#swap(entry, child);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const position = a.position;
    this.#set(b.position, a);
    this.#set(position, b);
  }

  #set(position: number, entry: Entry): void {
    entry.position = position;
    this.#heap[position] = entry;
  }
}

/** What every job asks of a worker; the rest depends on the job. */
function canTakeAnother(worker: Worker): boolean {
  return (
    worker.connection !== null &&
    worker.ready &&
    !worker.draining &&
    !worker.drained &&
    worker.leavingSince === null &&
    !worker.quarantined &&
    worker.running < worker.slots
  );
}
