import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import ffprobeInstaller from '@ffprobe-installer/ffprobe';

export interface FfmpegTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly hidesReadErrors: boolean;
}

/**
 * What npm brought, which is the same on every machine, and starts in a fraction of the time that a distribution's takes
 * to find its libraries. `FFMPEG_OF_TESTS=system` takes the one on PATH.
 */
export function ffmpegTools(): FfmpegTools {
  // biome-ignore lint/style/noProcessEnv: a switch for whoever runs the tests, not a setting of the product
  const { FFMPEG_OF_TESTS: wanted } = process.env;
  return (wanted === 'system' ? systemFfmpeg() : null) ?? bundledFfmpeg();
}

export function systemFfmpeg(): FfmpegTools | null {
  const ffmpeg = onPath('ffmpeg');
  const ffprobe = onPath('ffprobe');
  return ffmpeg && ffprobe ? { ffmpeg, ffprobe, hidesReadErrors: false } : null;
}

/** The static ffprobe crashes on MPEG-TS when it loads the system's character conversions. */
export const ffprobeEnv = { GCONV_PATH: '/nonexistent' };

/** Static builds that come with `npm ci`: an ffmpeg of 2018, which is the oldest that the tests have to work with. */
export function bundledFfmpeg(): FfmpegTools {
  // biome-ignore lint/style/noProcessEnv: inherited by whoever starts it
  Object.assign(process.env, ffprobeEnv);
  return { ffmpeg: ffmpegInstaller.path, ffprobe: ffprobeInstaller.path, hidesReadErrors: true };
}

function onPath(name: string): string | null {
  // biome-ignore lint/style/noProcessEnv: PATH says what the system has
  const { PATH = '' } = process.env;
  for (const directory of PATH.split(delimiter)) {
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {}
  }
  return null;
}
