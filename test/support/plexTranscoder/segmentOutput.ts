import { existsSync, type FSWatcher, renameSync, watch } from 'node:fs';
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

/** Moves finished segments to where PMS expects them, and posts the list after each: first the file, then the row. */
export class SegmentOutput {
  readonly #plan: SegmentPlan;
  readonly #callbacks: Callbacks;
  readonly #ffprobe: string;
  readonly #watcher: FSWatcher;
  readonly #ended: Promise<void>;
  readonly #written: Row[] = [];
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
    this.#watcher = watch(plan.work, () => this.#schedule());
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
      if (!row || !(ended || existsSync(this.#next(row)))) return;
      if (this.#published === 0) {
        this.#moveHeader();
        row.start = await this.#firstStart(row);
      }
      renameSync(join(this.#plan.work, row.name), join(this.#plan.target, row.name));
      this.#published += 1;
      if (this.#plan.listUrl === null) continue;
      const isLast = ended && this.#published === this.#written.length;
      await this.#callbacks.post(this.#plan.listUrl, this.#list(isLast));
    }
  }

  #moveHeader(): void {
    const { headerName, work, target } = this.#plan;
    if (headerName !== null) renameSync(join(work, headerName), join(target, headerName));
  }

  #next(row: Row): string {
    return join(
      this.#plan.work,
      numbered(this.#plan.mediaName, numberOf(row.name, this.#plan.mediaName) + 1),
    );
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
    const { start: seek, headerName, target, work } = this.#plan;
    if (seek === 0) return start;
    const parts = [...(headerName === null ? [] : [join(target, headerName)]), join(work, name)];
    const length = await pictureLength(this.#ffprobe, `concat:${parts.join('|')}`);
    return (length === null ? seek : Number(end) - length).toFixed(6);
  }
}

function numberOf(name: string, pattern: string): number {
  return Number.parseInt(name.slice(pattern.indexOf('%')), 10);
}
