import { type FSWatcher, readFileSync, renameSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Callbacks } from './callbacks.ts';
import { excerpt, type Mpd, readMpd } from './mpd.ts';
import { type DashPlan, MANIFEST, numbered } from './plan.ts';

/** How much of the run a manifest lists: all of it, or the last `-window_size` segments, as Plex's of 2018 did. */
export type Listing = 'whole' | 'window';

const WINDOW_SIZE = 5;

/** Moves finished segments to where PMS expects them, and tells it after each: first the file, then the manifest. */
export class DashOutput {
  readonly #plan: DashPlan;
  readonly #callbacks: Callbacks;
  readonly #listing: Listing;
  readonly #watcher: FSWatcher;
  #published = 0;
  /** The static manifest was sent. */
  #closed = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(plan: DashPlan, callbacks: Callbacks, listing: Listing) {
    this.#plan = plan;
    this.#callbacks = callbacks;
    this.#listing = listing;
    this.#watcher = watch(plan.work, (_, name) => {
      if (name === MANIFEST) this.#queue = this.#queue.then(() => this.#publish());
    });
  }

  /** After ffmpeg's end. */
  async finish(): Promise<void> {
    this.#watcher.close();
    await this.#queue;
    await this.#publish();
  }

  async #publish(): Promise<void> {
    const mpd = this.#read();
    if (!mpd || mpd.timelines.length === 0) return;
    const counts = mpd.timelines.map((entries) => entries.length);
    // While it runs, a segment counts when every stream has it.
    const complete = mpd.isFinal ? Math.max(...counts) : Math.min(...counts);
    while (this.#published < complete) {
      this.#move(mpd, this.#published);
      this.#published += 1;
      const isLast = mpd.isFinal && this.#published === complete;
      if (!isLast) await this.#announce(mpd, 'dynamic');
    }
    if (mpd.isFinal && !this.#closed) {
      this.#closed = true;
      await this.#announce(mpd, 'static');
    }
  }

  async #announce(mpd: Mpd, type: 'dynamic' | 'static'): Promise<void> {
    if (this.#plan.manifestUrl === null) return;
    const from = this.#listing === 'whole' ? 0 : Math.max(0, this.#published - WINDOW_SIZE);
    const { firstNumber } = this.#plan;
    await this.#callbacks.post(
      this.#plan.manifestUrl,
      excerpt(mpd, { firstNumber, from, to: this.#published, type }),
    );
  }

  /** ffmpeg numbers from 1; PMS wants the segments numbered from `-skip_to_segment`. */
  #move(mpd: Mpd, position: number): void {
    const { work, target, firstNumber } = this.#plan;
    for (const [stream, entries] of mpd.timelines.entries()) {
      const named = (pattern: string): string => pattern.replaceAll('$RepresentationID$', String(stream));
      if (position === 0) {
        const init = named(this.#plan.initName);
        renameSync(join(work, init), join(target, init));
      }
      if (position >= entries.length) continue;
      const media = named(this.#plan.mediaName);
      renameSync(
        join(work, numbered(media, position + 1)),
        join(target, numbered(media, position + firstNumber)),
      );
    }
  }

  #read(): Mpd | null {
    try {
      return readMpd(readFileSync(join(this.#plan.work, MANIFEST), 'utf8'));
    } catch {
      return null;
    }
  }
}
