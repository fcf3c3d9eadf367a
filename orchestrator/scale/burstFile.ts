import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import { type BurstStore, burstsAsText, burstsInText, type KeptBurst } from './burstStore.ts';

/** Bursts, in a file beside the history. */
export class BurstFile implements BurstStore {
  readonly #path: string;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  async read(): Promise<readonly KeptBurst[]> {
    try {
      return burstsInText(await readFile(this.#path, 'utf8'));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') this.#complain(error);
      return [];
    }
  }

  /** Waits for the write before, so that the last one counts. */
  async write(bursts: readonly KeptBurst[]): Promise<void> {
    this.#writing = this.#writing.then(() => this.#replace(bursts)).catch((error) => this.#complain(error));
    await this.#writing;
  }

  async #replace(bursts: readonly KeptBurst[]): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(`${this.#path}.new`, burstsAsText(bursts));
    await rename(`${this.#path}.new`, this.#path);
  }

  #complain(error: unknown): void {
    const problem = coerceError(error).message;
    this.#logger.warn({ path: this.#path, problem }, 'bursts of the scale are not kept over a restart');
  }
}
