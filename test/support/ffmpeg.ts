import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import ffprobeInstaller from '@ffprobe-installer/ffprobe';

export interface FfmpegTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

/** The system's, where both are on PATH; else what npm brought. `FFMPEG_OF_TESTS=bundled` skips the system's. */
export function ffmpegTools(): FfmpegTools {
  // biome-ignore lint/style/noProcessEnv: a switch for whoever runs the tests, not a setting of the product
  const { FFMPEG_OF_TESTS: wanted } = process.env;
  return (wanted === 'bundled' ? null : systemFfmpeg()) ?? bundledFfmpeg();
}

export function systemFfmpeg(): FfmpegTools | null {
  const ffmpeg = onPath('ffmpeg');
  const ffprobe = onPath('ffprobe');
  return ffmpeg && ffprobe ? { ffmpeg, ffprobe } : null;
}

/** Static builds that come with `npm ci`: an ffmpeg of 2018, which is the oldest that the tests have to work with. */
export function bundledFfmpeg(): FfmpegTools {
  // That ffprobe is linked statically, and crashes on MPEG-TS when it loads the system's character conversions.
  // biome-ignore lint/style/noProcessEnv: inherited by whoever starts it
  process.env['GCONV_PATH'] = '/nonexistent';
  return { ffmpeg: ffmpegInstaller.path, ffprobe: ffprobeInstaller.path };
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
