import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Callbacks } from './callbacks.ts';
import { numbered, type SegmentPlan } from './plan.ts';
import { pictureLength } from './probe.ts';

interface Row {
  readonly name: string;
  start: string;
  readonly end: string;
}

/** Posts the list after each segment that ffmpeg has written: first the file, then the row. */
export class SegmentOutput {
  readonly #plan: SegmentPlan;
  readonly #callbacks: Callbacks;
  readonly #ffprobe: string;
  readonly #watcher: FSWatcher;
  readonly #ended: Promise<void>;
  readonly #written: Row[] = [];
  readonly #startedAt = Date.now();
  #published = 0;
  #queue: Promise<void> = Promise.resolve();

  /** `rows` is ffmpeg's own list, as it grows. */
  constructor(plan: SegmentPlan, rows: Readable, callbacks: Callbacks, ffprobe: string) {
    this.#plan = plan;
    this.#callbacks = callbacks;
    this.#ffprobe = ffprobe;
    const lines = createInterface({ input: rows });
    this.#ended = new Promise((resolve) => lines.on('close', resolve));
    lines.on('line', (line) => {
      const [name = '', start = '', end = ''] = line.split(',');
      this.#written.push({ name: basename(name), start, end });
      this.#schedule();
    });
    this.#watcher = watch(plan.target, () => this.#schedule());
  }

  /** After ffmpeg's end. */
  async finish(): Promise<void> {
    this.#watcher.close();
    await this.#ended;
    await this.#queue;
    await this.#publish(true);
  }

  #schedule(): void {
    this.#queue = this.#queue.then(() => this.#publish(false));
  }

  async #publish(ended: boolean): Promise<void> {
    for (;;) {
      const row = this.#written[this.#published];
      // The row comes before the file is closed; that the next file is open is the sign that it was.
      if (!row || !(ended || this.#isNextOpen(row))) return;
      if (this.#published === 0) row.start = await this.#firstStart(row);
      this.#published += 1;
      if (this.#plan.listUrl === null) continue;
      const isLast = ended && this.#published === this.#written.length;
      await this.#callbacks.post(this.#plan.listUrl, this.#list(isLast));
    }
  }

  /** And not one that an earlier attempt has left. */
  #isNextOpen({ name }: Row): boolean {
    const { target, mediaName } = this.#plan;
    const next = join(target, numbered(mediaName, numberOf(name, mediaName) + 1));
    return (statSync(next, { throwIfNoEntry: false })?.mtimeMs ?? 0) > this.#startedAt;
  }

  #list(isComplete: boolean): string {
    const { listSize, separateTimes, unfinished, mediaName } = this.#plan;
    const from = listSize > 0 ? Math.max(0, this.#published - listSize) : 0;
    const rows = this.#written.slice(from, this.#published);
    const ends = (end: string): string => (separateTimes ? `${end},${end},${end}` : end);
    const lines = rows.map(({ name, start, end }) => `${name},${start},${ends(end)}\n`);
    const last = rows.at(-1);
    if (unfinished && !isComplete && last) {
      const next = numbered(mediaName, numberOf(last.name, mediaName) + 1);
      lines.push(`#${next},${last.end},${ends(last.end)}\n`);
    }
    return lines.join('');
  }

  /** ffmpeg lets the first row begin at 0 even after a seek. */
  async #firstStart({ name, start, end }: Row): Promise<string> {
    const { start: seek, headerName, target } = this.#plan;
    if (seek === 0) return start;
    const parts = [...(headerName === null ? [] : [headerName]), name].map((part) => join(target, part));
    const length = await pictureLength(this.#ffprobe, `concat:${parts.join('|')}`);
    return (length === null ? seek : Number(end) - length).toFixed(6);
  }
}

function numberOf(name: string, pattern: string): number {
  return Number.parseInt(name.slice(pattern.indexOf('%')), 10);
}
