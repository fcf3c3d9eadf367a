import { strictEqual } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { announcedFiles } from '../../pms/relay/announced/files.ts';
import { readMpd } from '../../pms/relay/announced/mpd.ts';
import { readNumberedList } from '../../pms/relay/announced/segmentList.ts';
import type { FakePms, PmsRequest } from './fakePms.ts';
import { ffmpegTools } from './ffmpeg.ts';
import type { PmsJob } from './retarget.ts';

/** Of the sample film. */
const FRAME = 1 / 24;

/** What PMS was told of one job, and what it would have missed had it looked at once. */
export class SeenByPms {
  readonly documents: string[] = [];
  /** The list beside the manifest. */
  readonly subtitles: string[] = [];
  /** Files that were not there when they were announced, or were not announced any more. */
  readonly missing: string[] = [];
  readonly #pms: FakePms;
  readonly #job: PmsJob;
  readonly #known = new Map<readonly string[], Set<string>>();
  readonly #stop: () => void;

  constructor(pms: FakePms, job: PmsJob) {
    this.#pms = pms;
    this.#job = job;
    this.#stop = pms.onRequest((request) => {
      const { job: ofJob, call } = request;
      if (ofJob === job.job && (call === 'manifest' || call === 'seglist')) this.#look(request);
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

  /** Fails unless `problems` finds none. */
  async expectWhole(seconds: number, init: string | null): Promise<void> {
    // As text: a list is not printed whole.
    strictEqual((await this.problems(seconds, init)).join('\n'), '');
  }

  /**
   * Why what was announced last is not one film of this length, of which each picture is there once, in segments as long
   * as announced; or why PMS was misled on the way there. The first few reasons.
   *
   * @param init what stands before each segment
   */
  async problems(seconds: number, init: string | null): Promise<string[]> {
    const problems = [...this.missing];
    const times: number[] = [];
    for (const { file, start, end } of videoIn(this.documents.at(-1) ?? '')) {
      const parts = init === null ? [file] : [init, file];
      const bytes = Buffer.concat(parts.map((part) => readFileSync(join(this.#job.cwd, part))));
      const pictures = await picturesIn(bytes, join(this.#job.cwd, '.probed'));
      const length = (pictures.at(-1) ?? 0) + FRAME;
      if (Math.abs(end - start - length) > FRAME) {
        problems.push(`${file} is ${length} s long, and was announced as ${end - start} s`);
      }
      times.push(...pictures.map((time) => start + time));
    }
    const [first = Number.NaN, last = Number.NaN] = [times[0], times.at(-1)];
    if (!(first < FRAME && last > seconds - 0.2)) problems.push(`from ${first} s to ${last} s`);
    for (const [index, time] of times.slice(1).entries()) {
      const before = times[index] ?? 0;
      if (Math.abs(time - before - FRAME) > FRAME / 2) problems.push(`${time} s comes after ${before} s`);
    }
    return problems.slice(0, 5);
  }

  /** Forgets the job, with all its files. */
  remove(): void {
    this.#stop();
    rmSync(this.#job.cwd, { recursive: true, force: true });
  }

  #look({ query, body }: PmsRequest): void {
    const files = announcedFiles(body).map(({ name }) => name);
    const documents = query.get('stream') === 'subtitles' ? this.subtitles : this.documents;
    const known = this.#known.get(documents) ?? new Set();
    this.#known.set(documents, known);
    documents.push(body);
    for (const file of files) {
      if (!existsSync(join(this.#job.cwd, file))) this.missing.push(`${file} is missing`);
      known.add(file);
    }
    const gone = [...known].filter((file) => !files.includes(file));
    this.missing.push(...gone.map((file) => `${file} is not announced any more`));
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
function videoIn(document: string): { file: string; start: number; end: number }[] {
  const rows = readNumberedList(document);
  if (rows) return rows.map(({ name, start, end }) => ({ file: name, start, end }));
  const template = readMpd(document)?.representations.find(({ isVideo }) => isVideo)?.template;
  const timescale = template?.timescale ?? 1;
  return (template?.entries ?? []).map(({ number, t, d }) => ({
    file: `chunk-stream0-${String(number).padStart(5, '0')}.m4s`,
    start: t / timescale,
    end: (t + d) / timescale,
  }));
}
