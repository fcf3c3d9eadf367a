import { stat } from 'node:fs/promises';
import { type ByteString, bytesOf } from '#shared/bytes.ts';
import type { Clock } from '#shared/clock.ts';

const POLL_MS = 25;

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

  /** Waits until all are there. Returns those that are still missing at the deadline. */
  async waitFor(directory: ByteString, files: readonly string[]): Promise<readonly string[]> {
    const deadline = this.#clock.now() + this.#waitMs;
    let missing = files;
    while (missing.length > 0) {
      const left = deadline - this.#clock.now();
      if (left <= 0 || this.#hanging > 0) break;
      const found = await this.#within(
        left,
        missing.map((file) => isThere(directory, file)),
      );
      if (found === null) break;
      missing = missing.filter((_, index) => !found[index]);
      if (missing.length > 0) await new Promise<void>((resolve) => void this.#clock.after(POLL_MS, resolve));
    }
    return missing;
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
}

/** An empty file was opened, and not yet written. */
async function isThere(directory: ByteString, file: string): Promise<boolean> {
  try {
    const { size } = await stat(Buffer.concat([bytesOf(directory), Buffer.from(`/${file}`)]));
    return size > 0;
  } catch {
    return false;
  }
}
