import { type ByteString, bytesOf } from '#shared/bytes.ts';
import type { Clock } from '#shared/clock.ts';
import type { AnnouncedFile } from './files.ts';
import { lookAt } from './look.ts';

const POLL_MS = 25;

/** A worker's NFS client writes a file out in requests that follow each other faster. */
const SETTLED_MS = 100;

/** Of a file: its size, and since when it has that. */
type Sizes = Map<string, { readonly size: number; readonly since: number }>;

/** Where files come to be visible that a worker has written: on NFS later than their announcement. */
export class Presence {
  readonly #clock: Clock;
  readonly #waitMs: number;
  /** Rounds that storage has not answered in time; no more are put to it until they return. */
  #hanging = 0;

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Waits until all are there, and whole. Returns those that still are not at the deadline. */
  async waitFor(directory: ByteString, files: readonly AnnouncedFile[]): Promise<readonly string[]> {
    const deadline = this.#clock.now() + this.#waitMs;
    const sizes: Sizes = new Map();
    let missing = files;
    while (missing.length > 0) {
      const left = deadline - this.#clock.now();
      if (left <= 0 || this.#hanging > 0) break;
      const found = await this.#within(
        left,
        missing.map((file) => this.#isThere(directory, file, sizes)),
      );
      if (found === null) break;
      missing = missing.filter((_, index) => !found[index]);
      if (missing.length > 0) await new Promise<void>((resolve) => void this.#clock.after(POLL_MS, resolve));
    }
    return missing.map(({ name }) => name);
  }

  async #within(ms: number, asked: readonly Promise<boolean>[]): Promise<boolean[] | null> {
    const answers = Promise.all(asked);
    const { promise: deadline, resolve: giveUp } = Promise.withResolvers<null>();
    const timer = this.#clock.after(ms, () => {
      this.#hanging += 1;
      void answers.then(() => {
        this.#hanging -= 1;
      });
      giveUp(null);
    });
    const first = await Promise.race([answers, deadline]);
    timer.cancel();
    return first;
  }

  async #isThere(directory: ByteString, { name, next }: AnnouncedFile, sizes: Sizes): Promise<boolean> {
    const path = (file: string): Buffer => Buffer.concat([bytesOf(directory), Buffer.from(`/${file}`)]);
    const found = await lookAt(path(name));
    if (!found || found.size === 0) return false;
    if (found.isWhole !== null) return found.isWhole;
    // The transcoder lists a file before it closes it, and then opens the next. One that an earlier attempt left is older.
    const following = next === null ? null : await lookAt(path(next));
    if (following && following.mtimeMs >= found.mtimeMs) return true;
    const now = this.#clock.now();
    const known = sizes.get(name);
    if (known?.size === found.size) return now - known.since >= SETTLED_MS;
    sizes.set(name, { size: found.size, since: now });
    return false;
  }
}
