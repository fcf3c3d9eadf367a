import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { announcedFiles } from '../../pms/relay/announced/files.ts';
import { readMpd } from '../../pms/relay/announced/mpd.ts';
import { readNumberedList } from '../../pms/relay/announced/segmentList.ts';
import type { FakePms } from './fakePms.ts';
import { ffmpegTools } from './ffmpeg.ts';
import type { PmsJob } from './retarget.ts';

/** What PMS was told of one job, and what it would have missed had it looked at once. */
export class SeenByPms {
  readonly documents: string[] = [];
  /** Files that were not there when they were announced, or were not announced any more. */
  readonly missing: string[] = [];
  readonly #pms: FakePms;
  readonly #job: PmsJob;
  readonly #known = new Set<string>();

  constructor(pms: FakePms, job: PmsJob) {
    this.#pms = pms;
    this.#job = job;
    pms.onRequest(({ job: ofJob, call, body }) => {
      if (ofJob === job.job && (call === 'manifest' || call === 'seglist')) this.#look(body);
    });
  }

  /** Waits for as many manifests or lists. */
  async announced(count: number): Promise<void> {
    await this.until(() => this.documents.length >= count);
  }

  /** Looks whenever PMS is told something of the job. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#pms.next(({ job }) => job === this.#job.job);
  }

  /**
   * Fails unless what was announced last is one film of this length, of which no picture is missing or there twice.
   *
   * @param init what stands before each segment
   */
  async expectWhole(seconds: number, init: string | null): Promise<void> {
    expect(this.missing).toEqual([]);
    const { cwd } = this.#job;
    const times: number[] = [];
    for (const { file, start } of videoIn(this.documents.at(-1) ?? '')) {
      const parts = init === null ? [file] : [init, file];
      const bytes = Buffer.concat(parts.map((part) => readFileSync(join(cwd, part))));
      times.push(...(await picturesIn(bytes, join(cwd, '.probed'))).map((time) => start + time));
    }
    expect(times.at(-1)).toBeGreaterThan(seconds - 0.2);
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    const frame = steps.toSorted((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0;
    expect(Math.max(...steps)).toBeLessThan(1.5 * frame);
    expect(Math.min(...steps)).toBeGreaterThan(0.5 * frame);
  }

  #look(document: string): void {
    const files = announcedFiles(document);
    this.documents.push(document);
    for (const file of files) {
      if (!existsSync(join(this.#job.cwd, file))) this.missing.push(file);
      this.#known.add(file);
    }
    const gone = [...this.#known].filter((file) => !files.includes(file));
    this.missing.push(...gone.map((file) => `${file}, announced before`));
  }
}

/** Times of the pictures in a file, in seconds from the first. */
async function picturesIn(file: Buffer, path: string): Promise<number[]> {
  writeFileSync(path, file);
  const asked = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
  const { stdout } = await promisify(execFile)(ffmpegTools().ffprobe, [...asked, path]);
  const times = stdout
    .split('\n')
    .filter(Boolean)
    .map(Number.parseFloat)
    .sort((one, other) => one - other);
  return times.map((time) => time - (times[0] ?? 0));
}

/** The video segments that a document lists. The stand-in's muxer counts DASH times from each attempt's start. */
function videoIn(document: string): { file: string; start: number }[] {
  const rows = readNumberedList(document);
  if (rows) return rows.map(({ name, start }) => ({ file: name, start }));
  const template = readMpd(document)?.representations.find(({ isVideo }) => isVideo)?.template;
  return (template?.entries ?? []).map(({ number, t }) => ({
    file: `chunk-stream0-${String(number).padStart(5, '0')}.m4s`,
    start: t / (template?.timescale ?? 1),
  }));
}
