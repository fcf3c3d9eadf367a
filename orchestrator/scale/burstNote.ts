import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import type { LeaseNote } from '../leader/leaseNote.ts';
import { type BurstStore, burstsAsText, burstsInText, type KeptBurst } from './burstStore.ts';

/** All annotations of an object together may have 256 KiB; a Lease that is refused would cost the leadership. */
const MOST_LENGTH = 64 * 1024;

/** Bursts, in the Lease of the leader: whoever leads next goes on with them. */
export class BurstNote implements BurstStore {
  readonly #note: LeaseNote;
  readonly #logger: Logger;

  constructor(note: LeaseNote, logger: Logger) {
    this.#note = note;
    this.#logger = logger;
  }

  async read(): Promise<readonly KeptBurst[]> {
    try {
      return this.#note.text === null ? [] : burstsInText(this.#note.text);
    } catch (error) {
      this.#complain(coerceError(error).message);
      return [];
    }
  }

  async write(bursts: readonly KeptBurst[]): Promise<void> {
    const text = burstsAsText(bursts);
    if (text.length > MOST_LENGTH) this.#complain(`${bursts.length} are too many`);
    else this.#note.text = text;
  }

  #complain(problem: string): void {
    this.#logger.warn({ problem }, 'bursts of the scale are not kept in the Lease');
  }
}
