import TinyQueue from 'tinyqueue';

interface Entry<T> {
  readonly key: string;
  readonly at: number;
  readonly due: T;
}

/** Cancelled entries stay in the heap until they surface; beyond this many in excess they are swept out. */
const COMPACT_ABOVE = 1_000;

const soonest = (a: { at: number }, b: { at: number }): number => a.at - b.at;

/** What falls due when, each under a key by which it is cancelled or moved. */
export class Deadlines<T> {
  #heap = new TinyQueue<Entry<T>>([], soonest);
  readonly #live = new Map<string, Entry<T>>();

  /** When the next one falls due; null when nothing is waited for. */
  get next(): number | null {
    this.#dropStale();
    return this.#heap.peek()?.at ?? null;
  }

  /** Replaces an entry of the same key. */
  set(key: string, at: number, due: T): void {
    const entry = { key, at, due };
    this.#live.set(key, entry);
    this.#heap.push(entry);
    if (this.#heap.length > 2 * this.#live.size + COMPACT_ABOVE) this.#compact();
  }

  cancel(key: string): void {
    this.#live.delete(key);
  }

  /** Takes out one that is due, the oldest first; null when none is. */
  take(now: number): T | null {
    this.#dropStale();
    const top = this.#heap.peek();
    if (!top || top.at > now) return null;
    this.#heap.pop();
    this.#live.delete(top.key);
    return top.due;
  }

  #compact(): void {
    this.#heap = new TinyQueue([...this.#live.values()], soonest);
  }

  #dropStale(): void {
    for (let top = this.#heap.peek(); top && this.#live.get(top.key) !== top; top = this.#heap.peek()) {
      this.#heap.pop();
    }
  }
}
