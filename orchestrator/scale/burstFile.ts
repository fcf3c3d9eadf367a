import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';

const strict = { additionalProperties: false };

/** Dates end at 8.64e15, and the time of day may be set meanwhile. */
const LATEST = 8e15;

/** A burst as it outlives the orchestrator: it ends at a time of day, in milliseconds since 1970. */
const KeptBurst = Type.Object(
  {
    group: Type.String({ maxLength: 256 }),
    workers: Type.Integer({ minimum: 0, maximum: 10_000 }),
    until: Type.Number({ minimum: 0, maximum: LATEST }),
  },
  strict,
);
export type KeptBurst = Static<typeof KeptBurst>;

const Kept = Type.Object({ bursts: Type.Array(KeptBurst) }, strict);

/** Bursts, in a file beside the history. Without it, or where it can't be used, they end with the process. */
export class BurstFile {
  readonly #path: string;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  async read(): Promise<readonly KeptBurst[]> {
    try {
      const kept: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      if (Compile(Kept).Check(kept)) return kept.bursts;
      throw new Error('it is not what was written into it');
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
    await writeFile(`${this.#path}.new`, JSON.stringify({ bursts }));
    await rename(`${this.#path}.new`, this.#path);
  }

  #complain(error: unknown): void {
    const problem = coerceError(error).message;
    this.#logger.warn({ path: this.#path, problem }, 'bursts of the scale are not kept over a restart');
  }
}
