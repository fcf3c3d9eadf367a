import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type FfmpegTools, ffmpegTools } from './ffmpeg.ts';

const run = promisify(execFile);

/** How long the picture moves before it starts again: encoding it is what takes the time. */
const CLIP_SECONDS = 4;

export interface SampleOptions {
  readonly seconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly tools?: FfmpegTools;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a film at `path` (Matroska): stream 0 H.264 at 24 frames a second with a key frame every 2 s, 1 stereo AC-3,
 * 2 SRT and 3 ASS subtitles, one line a second. 60 s of 1080p take about 2 s.
 */
export async function makeSample(path: string, options: SampleOptions = {}): Promise<void> {
  const { seconds = 60, width = 1920, height = 1080, tools = ffmpegTools(), signal } = options;
  const work = await mkdtemp(join(dirname(path), '.sample-'));
  try {
    const clip = join(work, 'clip.mkv');
    const subtitles = join(work, 'subtitles.srt');
    const quietly = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'];
    await writeFile(subtitles, srt(seconds));
    const picture = `testsrc=s=${width}x${height}:r=24:d=${Math.min(seconds, CLIP_SECONDS)}`;
    // A little shorter than the picture: sound that goes on after it would make a segment of its own.
    const sound = `sine=440:r=48000:d=${seconds - 0.1}`;
    const ffmpeg = (argv: string[]) => run(tools.ffmpeg, argv, { signal });
    await ffmpeg([
      ...quietly,
      ...['-f', 'lavfi', '-i', picture, '-codec:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-g', '48', clip],
    ]);
    await ffmpeg([
      ...quietly,
      ...['-stream_loop', '-1', '-i', clip, '-f', 'lavfi', '-i', sound, '-i', subtitles],
      ...[
        '-map',
        '0',
        '-map',
        '1',
        '-map',
        '2',
        '-map',
        '2',
        '-codec:v',
        'copy',
        '-codec:a',
        'ac3',
        '-ac',
        '2',
      ],
      ...['-codec:s:0', 'srt', '-codec:s:1', 'ass', '-t', String(seconds), '-f', 'matroska', path],
    ]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function srt(seconds: number): string {
  const time = (second: number): string =>
    `${new Date(second * 1000).toISOString().slice(11, 23).replace('.', ',')}`;
  return Array.from(
    { length: Math.ceil(seconds) },
    (_, second) => `${second + 1}\n${time(second)} --> ${time(second + 0.9)}\nline ${second + 1}\n`,
  ).join('\n');
}
