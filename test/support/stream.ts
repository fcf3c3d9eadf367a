import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { announcedFiles } from '../../pms/relay/announced/files.ts';
import { readMpd } from '../../pms/relay/announced/mpd.ts';
import { readNumberedList } from '../../pms/relay/announced/segmentList.ts';
import type { Cluster } from './cluster.ts';
import { corpusCommand } from './corpus.ts';
import type { FakePms, PmsChild, PmsExit } from './fakePms.ts';
import { ffmpegTools } from './ffmpeg.ts';
import { type PmsJob, retarget } from './retarget.ts';
import { DASH, HLS, inSegmentsOfOneSecond } from './standInStage.ts';

export interface StreamKind {
  readonly name: string;
  readonly id: string;
  readonly init: string | null;
  adapt(job: PmsJob): PmsJob;
}

/** Copied pictures are cut at the sample's key frames, every 2 s. */
const inShortSegments = (job: PmsJob): PmsJob => ({
  ...job,
  argv: job.argv.map((element, index) =>
    /^-(seg_duration|segment_time)$/.test(job.argv[index - 1] ?? '') ? '1' : element,
  ),
});

export const DASH_STREAM: StreamKind = {
  ...{ name: 'DASH', id: DASH, init: 'init-stream0.m4s', adapt: inSegmentsOfOneSecond },
};

export const STREAM_KINDS: readonly StreamKind[] = [
  DASH_STREAM,
  { name: 'DASH, copied', id: 'mc-dash-13', init: 'init-stream0.m4s', adapt: inShortSegments },
  { name: 'HLS', id: HLS, init: null, adapt: (job) => job },
];

export interface StreamSource {
  readonly cluster: Cluster;
  readonly pms: FakePms;
  /** The installed hook. */
  readonly hook: string;
  readonly input: string;
  readonly transcodeDirectory: string;
}

/** A film on its way to a viewer: what PMS started, was told, and would have missed had it looked at once. */
export class Stream {
  readonly documents: string[] = [];
  /** Files that were announced and not there, or announced and then no longer. */
  readonly missing: string[] = [];
  readonly #source: StreamSource;
  readonly #kind: StreamKind;
  readonly #job: PmsJob;
  readonly #child: PmsChild;
  readonly #stopListening: () => void;
  #jobId = '';

  private constructor(source: StreamSource, kind: StreamKind, job: PmsJob, child: PmsChild) {
    this.#source = source;
    this.#kind = kind;
    this.#job = job;
    this.#child = child;
    const known = new Set<string>();
    this.#stopListening = source.pms.onRequest(({ job: ofJob, call, body }) => {
      if (ofJob !== job.job || (call !== 'manifest' && call !== 'seglist')) return;
      const files = announcedFiles(body);
      this.documents.push(body);
      for (const file of files) {
        if (!existsSync(join(job.cwd, file))) this.missing.push(file);
        known.add(file);
      }
      const gone = [...known].filter((file) => !files.includes(file));
      this.missing.push(...gone.map((file) => `${file}, announced before`));
    });
  }

  static async start(source: StreamSource, kind: StreamKind): Promise<Stream> {
    const { cluster, pms, hook, input, transcodeDirectory } = source;
    const command = corpusCommand(kind.id);
    const job = kind.adapt(retarget(command, { input, pmsPort: pms.port, transcodeDirectory }));
    const env = { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: 'remote' };
    return new Stream(source, kind, job, await pms.spawn(hook, job, env));
  }

  get session(): string {
    return this.#job.session;
  }

  get exited(): Promise<PmsExit> {
    return this.#child.exited;
  }

  /** PMS was told so many times of new segments. */
  async announced(times: number): Promise<void> {
    while (this.documents.length < times) {
      await this.#source.pms.next(({ job }) => job === this.#job.job);
    }
  }

  /** Who runs it, as the orchestrator has it. */
  async running(): Promise<{ readonly worker: string; readonly jobId: string }> {
    const jobs: unknown[] = Object.values(
      Object(await this.#source.cluster.api('/api/v1/jobs?state=running')),
    );
    const { worker, jobId } = Object(jobs.find((job) => Object(job).session === this.#job.session));
    this.#jobId = String(jobId);
    return { worker: String(worker), jobId: this.#jobId };
  }

  /** The job's events in the orchestrator's words; it has to have been seen running. */
  async story(): Promise<string> {
    return JSON.stringify(await this.#source.cluster.api(`/api/v1/jobs/${this.#jobId}`));
  }

  /** What PMS would have missed, in a few words. */
  get missed(): string[] {
    const { missing } = this;
    return missing.length === 0 ? [] : [`${missing.length} missing: ${missing.slice(0, 4).join('; ')} …`];
  }

  /** What is wrong with the pictures that PMS was told of last: they reach the end, in even steps. Empty: nothing. */
  async gaps(seconds: number): Promise<string[]> {
    const { init } = this.#kind;
    const times: number[] = [];
    for (const { file, start } of videoIn(this.documents.at(-1) ?? '')) {
      const parts = init === null ? [file] : [init, file];
      const bytes = Buffer.concat(parts.map((part) => readFileSync(join(this.#job.cwd, part))));
      times.push(...(await picturesIn(bytes, join(this.#job.cwd, 'probed'))).map((time) => start + time));
    }
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    const frame = steps.toSorted((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0;
    const uneven = steps.flatMap((step, index) =>
      step > 1.5 * frame || step < 0.5 * frame ? [`${step} s after ${times[index]} s`] : [],
    );
    const last = times.at(-1) ?? 0;
    const reaches = last > seconds - 0.2 ? [] : [`ends at ${last} s`];
    return [...reaches, ...uneven].slice(0, 5);
  }

  /** Kills it if it still runs, and forgets it with all its files. */
  async remove(): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
    this.#stopListening();
    rmSync(this.#job.cwd, { recursive: true, force: true });
  }
}

/** Times of the pictures in a file, in seconds from the first. */
async function picturesIn(bytes: Buffer, path: string): Promise<number[]> {
  writeFileSync(path, bytes);
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
