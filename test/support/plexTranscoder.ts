import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileCache } from './compileCache.ts';
import { type FfmpegTools, ffmpegTools, ffprobeEnv } from './ffmpeg.ts';
import type { StandInConfig } from './plexTranscoder/config.ts';

const MAIN = fileURLToPath(new URL('./plexTranscoder/main.ts', import.meta.url));

export interface PlexTranscoderOptions {
  readonly tools?: FfmpegTools;
  /** DASH manifests list the whole run (the default), or the last five segments with a start number that moves on. */
  readonly listing?: StandInConfig['listing'];
  /** The file's name; PMS's own by default. */
  readonly name?: string;
  /** The program, where it is bundled. */
  readonly main?: string;
}

/**
 * Writes an executable stand-in for `Plex Transcoder` into a directory, and says where it is. It takes the genuine
 * transcoder's arguments and makes the genuine transcoder's calls, but transcodes with stock ffmpeg.
 */
export async function installPlexTranscoder(
  directory: string,
  options: PlexTranscoderOptions = {},
): Promise<string> {
  const { tools = ffmpegTools(), listing = 'whole', name = 'Plex Transcoder', main = MAIN } = options;
  const config: StandInConfig = { ...tools, listing };
  const command = [process.execPath, main, JSON.stringify(config)].map(quote).join(' ');
  const env = Object.entries({ ...compileCache, ...ffprobeEnv }).map(
    ([key, value]) => `${key}=${quote(value)}`,
  );
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${env.join(' ')} exec ${command} "$@"\n`, { mode: 0o755 });
  return path;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
