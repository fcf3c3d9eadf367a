import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { coerceError } from '#shared/errors.ts';
import { JobId } from '#shared/job.ts';
import type { Logger } from '#shared/logger.ts';

/** What the next relay must know of a job to go on with it as this one would. */
const Accepted = Type.Object(
  {
    jobId: JobId,
    /** Whose announcement it is. */
    attempt: Type.Integer({ minimum: 0 }),
    /** Of the input, in seconds. */
    duration: Type.Union([Type.Number(), Type.Null()]),
    /** The last manifest, and the last lists. */
    documents: Type.Array(Type.String()),
    /** It is of several attempts. */
    isJoined: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type Accepted = Static<typeof Accepted>;

const validator = Compile(Accepted);
const EXTENSION = '.json';

/** What PMS has accepted, a file per job on this host's own storage. Nobody waits for it to be written. */
export class Records {
  readonly #directory: string;
  readonly #logger: Logger;
  /** The latest of a job, while it is not on disk; null when its file is to go. */
  readonly #due = new Map<string, Accepted | null>();
  readonly #writing = new Map<string, Promise<void>>();
  #isFailing = false;

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  read(jobId: string): Accepted | null {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#path(jobId), 'utf8'));
      return isAccepted(value) && value.jobId === jobId ? value : null;
    } catch {
      return null;
    }
  }

  write(accepted: Accepted): void {
    this.#put(accepted.jobId, accepted);
  }

  remove(jobId: string): void {
    this.#put(jobId, null);
  }

  /** Removes the files of jobs whose hooks have not come back. */
  async sweep(isHeld: (jobId: string) => boolean): Promise<void> {
    const names = await readdir(this.#directory).catch(() => []);
    for (const name of names) {
      const jobId = this.#jobOf(name);
      if (jobId === null || !isHeld(jobId)) await rm(join(this.#directory, name), { force: true });
    }
  }

  /** Resolves when everything is on disk. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  #put(jobId: string, accepted: Accepted | null): void {
    this.#due.set(jobId, accepted);
    if (this.#writing.has(jobId)) return;
    const written = this.#writeDue(jobId).finally(() => this.#writing.delete(jobId));
    this.#writing.set(jobId, written);
  }

  /** One after the other, and of several that are due the last. */
  async #writeDue(jobId: string): Promise<void> {
    for (let due = this.#due.get(jobId); due !== undefined; due = this.#due.get(jobId)) {
      this.#due.delete(jobId);
      try {
        if (due === null) await rm(this.#path(jobId), { force: true });
        else await this.#replace(jobId, JSON.stringify(due));
        this.#isFailing = false;
      } catch (error) {
        const why = { err: coerceError(error), directory: this.#directory };
        if (!this.#isFailing) this.#logger.warn(why, 'what PMS accepted can not be kept for the next relay');
        this.#isFailing = true;
      }
    }
  }

  async #replace(jobId: string, text: string): Promise<void> {
    const path = this.#path(jobId);
    // Something may have tidied up.
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  #path(jobId: string): string {
    // A jobId is anything; a file name is not.
    return join(this.#directory, `${encodeURIComponent(jobId).slice(0, 200)}${EXTENSION}`);
  }

  #jobOf(name: string): string | null {
    const plain = name.replace(/\.new$/, '');
    try {
      return plain.endsWith(EXTENSION) ? decodeURIComponent(plain.slice(0, -EXTENSION.length)) : null;
    } catch {
      return null;
    }
  }
}

function isAccepted(value: unknown): value is Accepted {
  return validator.Check(value);
}
