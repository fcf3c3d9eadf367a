import { coerceError } from '#shared/errors.ts';
import { HistoryStore, isDamaged, putAside, type StoreBounds } from './store.ts';

/** The store, opened when it is needed, and after a failure again: a disk does not stay full, nor a file locked. */
export class HistoryFile {
  readonly #path: string;
  readonly #bounds: StoreBounds;
  readonly #onDamaged: (aside: string, problem: string) => void;
  #store: HistoryStore | null = null;

  /** @param onDamaged is told where a file was put that could not be read */
  constructor(path: string, bounds: StoreBounds, onDamaged: (aside: string, problem: string) => void) {
    this.#path = path;
    this.#bounds = bounds;
    this.#onDamaged = onDamaged;
  }

  use<T>(action: (store: HistoryStore) => T): T {
    try {
      return action(this.#opened());
    } catch (error) {
      this.close();
      if (!isDamaged(error)) throw error;
      this.#onDamaged(putAside(this.#path), coerceError(error).message);
      return action(this.#opened());
    }
  }

  close(): void {
    this.#store?.close();
    this.#store = null;
  }

  #opened(): HistoryStore {
    this.#store ??= HistoryStore.open(this.#path, this.#bounds);
    return this.#store;
  }
}
