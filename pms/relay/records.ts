import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
  },
  { additionalProperties: false },
);
export type Accepted = Static<typeof Accepted>;

const validator = Compile(Accepted);
const EXTENSION = '.json';

/**
 * What PMS has accepted, a file per job on this host's own storage, which takes some 0.1 ms. Written at once, because the
 * relay may be killed at any moment, and PMS must not be told otherwise by the next one.
 */
export class Records {
  readonly #directory: string;
  readonly #logger: Logger;
  #isFailing = false;

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Whether no relay before this one has left anything. */
  get isEmpty(): boolean {
    try {
      return readdirSync(this.#directory).length === 0;
    } catch {
      return true;
    }
  }

  read(jobId: string): Accepted | null {
    const path = this.#path(jobId);
    return readRecord(path, jobId) ?? readRecord(newOf(path), jobId);
  }

  write(accepted: Accepted): void {
    this.#put(accepted.jobId, accepted);
  }

  remove(jobId: string): void {
    this.#put(jobId, null);
  }

  /** Removes the files of jobs whose hooks have not come back. */
  sweep(isHeld: (jobId: string) => boolean): void {
    try {
      for (const name of readdirSync(this.#directory)) {
        const jobId = this.#jobOf(name);
        if (jobId === null || !isHeld(jobId)) rmSync(join(this.#directory, name), { force: true });
      }
    } catch (error) {
      this.#logger.debug({ err: coerceError(error) }, 'what earlier relays left is not removed');
    }
  }

  #put(jobId: string, accepted: Accepted | null): void {
    try {
      if (accepted === null) this.#remove(jobId);
      else this.#replace(jobId, JSON.stringify(accepted));
      this.#isFailing = false;
    } catch (error) {
      const why = { err: coerceError(error), directory: this.#directory };
      if (!this.#isFailing) this.#logger.warn(why, 'what PMS accepted can not be kept for the next relay');
      this.#isFailing = true;
    }
  }

  #replace(jobId: string, text: string): void {
    const path = this.#path(jobId);
    // Something may have tidied up.
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writeFileSync(newOf(path), text, { mode: 0o600 });
    // ext4 writes a file out to the disk before it takes the place of another, and PMS would wait for that.
    rmSync(path, { force: true });
    renameSync(newOf(path), path);
  }

  #remove(jobId: string): void {
    const path = this.#path(jobId);
    rmSync(newOf(path), { force: true });
    rmSync(path, { force: true });
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

/** While one replaces another, for a moment only this is there. */
function newOf(path: string): string {
  return `${path}.new`;
}

function readRecord(path: string, jobId: string): Accepted | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isAccepted(value) && value.jobId === jobId ? value : null;
  } catch {
    return null;
  }
}

function isAccepted(value: unknown): value is Accepted {
  return validator.Check(value);
}
