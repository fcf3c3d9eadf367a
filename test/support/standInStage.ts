import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { corpusCommand } from './corpus.ts';
import { FakePms, type PmsRequest } from './fakePms.ts';
import { ffmpegTools } from './ffmpeg.ts';
import { installPlexTranscoder, type PlexTranscoderOptions } from './plexTranscoder.ts';
import { type PmsJob, type RetargetOptions, retarget, small } from './retarget.ts';
import { makeSample } from './sample.ts';

export const run = promisify(execFile);

/** Genuine commands: DASH in segments of 3 s; HLS in MPEG-TS segments of 1 s with burned subtitles. */
export const DASH = 'sp-nv-9905b5e9';
export const HLS = 'plex-misc-2';

/** A fake PMS for each test of a file, and one sample for all. */
export interface StandInStage {
  readonly seconds: number;
  readonly home: string;
  readonly sample: string;
  readonly pms: FakePms;
  job(id: string, options?: Partial<RetargetOptions>): PmsJob;
  install(options?: PlexTranscoderOptions): Promise<string>;
  /** How long the picture in these files is that belong together, in seconds. */
  lengthOf(paths: readonly string[]): Promise<number>;
}

export function standInStage(): StandInStage {
  const seconds = 12;
  let home = '';
  let sample = '';
  let pms: FakePms;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'stand-ins-'));
    sample = join(home, 'sample.mkv');
    await makeSample(sample, { seconds, width: 640, height: 360 });
  });
  afterAll(() => rm(home, { recursive: true, force: true }));
  beforeEach(async () => {
    pms = await FakePms.start();
  });
  afterEach(() => pms.close());

  return {
    seconds,
    get home() {
      return home;
    },
    get sample() {
      return sample;
    },
    get pms() {
      return pms;
    },
    job: (id, options = {}) =>
      small(
        retarget(corpusCommand(id), {
          input: sample,
          pmsPort: pms.port,
          transcodeDirectory: home,
          ...options,
        }),
      ),
    install: async (options = {}) => installPlexTranscoder(await mkdtemp(join(home, 'bin-')), options),
    lengthOf: async (paths) => {
      const whole = join(home, 'whole');
      await writeFile(whole, Buffer.concat(await Promise.all(paths.map((path) => readFile(path)))));
      const asked = [
        '-v',
        'error',
        '-select_streams',
        'v',
        '-show_entries',
        'packet=pts_time',
        '-of',
        'csv=p=0',
      ];
      const { stdout } = await run(ffmpegTools().ffprobe, [...asked, whole], { maxBuffer: 1e7 });
      const times = stdout.split('\n').filter(Boolean).map(Number.parseFloat);
      return Math.max(...times) - Math.min(...times);
    },
  };
}

export const inSegmentsOfOneSecond = (command: PmsJob): PmsJob => ({
  ...command,
  argv: command.argv.map((element) => element.replace(/^3$|(?<=n_forced\*)3/, '1')),
});

export const isProgress = (request: PmsRequest): boolean => request.query.has('progress');

export const isPaused = (request: PmsRequest): boolean => isProgress(request) && !request.query.has('speed');

export const manifestStart = (manifest: string): string[] =>
  Array.from(manifest.matchAll(/startNumber="(\d+)"/g), ([, number = '']) => number);

/** First column and, rounded, second column of a segment list. */
export const rowsOf = (list: string | undefined): (string | number)[][] =>
  Array.from(list?.matchAll(/^([^,]+),([^,]+)/gm) ?? [], ([, name = '', start]) => [
    name,
    Math.round(Number(start)),
  ]);

export const names = (prefix: string, suffix: string, first: number, last: number): string[] =>
  Array.from(
    { length: last - first + 1 },
    (_, index) => prefix + String(first + index).padStart(5, '0') + suffix,
  );

export function countOf(manifest: string): number {
  const [video = ''] = manifest.split('</SegmentTimeline>');
  const repeats = Array.from(video.matchAll(/<S (?:[^>]* r="(\d+)")?/g), ([, repeated = '0']) =>
    Number(repeated),
  );
  return repeats.reduce((count, repeated) => count + 1 + repeated, 0);
}
