import { posix } from 'node:path';
import { type ByteString, bytesOf, readable, shortened } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Mount } from '#shared/protocol/messages.ts';
import { isUnder } from '../storage/mounts.ts';
import { namedFiles } from './namedFiles.ts';

/** Devices that a command may name: the render nodes of GPUs, and nothing at all. */
const DEVICES = ['/dev/dri', '/dev/null'];

/** Subtitles are burned in with the fonts that PMS came with, named by where PMS is installed, here or not. */
const PLEX_FONTS = /\/Resources\/(?:Fonts\/[^/]+|fonts\.conf)$/;

/** A path in a message is for people. */
const QUOTED_LENGTH = 300;

export interface Places {
  readonly mounts: readonly Mount[];
  /** The transcoder's own directory: its fonts and presets. */
  readonly transcoderDirectory: string;
}

/**
 * Why this worker will not start the job, or null. The rule: a job touches nothing but the declared mounts, so that
 * whoever can submit jobs can't read or write the rest of the machine.
 */
export function whyRefused(job: JobSpec, places: Places): string | null {
  const cwd = latin1(job.cwd);
  if (!cwd.startsWith('/'))
    return `cwd ${JSON.stringify(shortened(readable(job.cwd), QUOTED_LENGTH))} is not an absolute path`;
  const cwdProblem = whyNotAllowed(cwd, 'rw', places);
  if (cwdProblem) return `cwd ${cwdProblem}`;
  for (const file of namedFiles(job.argv, cwd)) {
    const problem = 'problem' in file ? file.problem : whyNotAllowed(file.path, file.mode, places);
    if (problem) return `argument ${file.argument} ${problem}`;
  }
  return null;
}

function whyNotAllowed(path: string, mode: Mount['mode'], places: Places): string | null {
  const normal = posix.normalize(path);
  if (DEVICES.some((device) => isUnder(device, normal))) return null;
  if (mode === 'ro' && isUnder(latin1(places.transcoderDirectory), normal)) return null;
  if (mode === 'ro' && PLEX_FONTS.test(normal)) return null;
  const under = places.mounts.filter((mount) => isUnder(latin1(mount.path), normal));
  const name = shortened(Buffer.from(normal, 'latin1').toString('utf8'), QUOTED_LENGTH);
  if (under.length === 0) return `${name} lies outside the mounts of this worker (setting MOUNTS)`;
  const suitable = under.filter((mount) => mode === 'ro' || mount.mode === 'rw');
  if (suitable.length === 0) return `${name} would be written, but MOUNTS declares it read only`;
  const healthy = suitable.find(({ problem }) => problem === null);
  return healthy ? null : `${name} can't be used: ${suitable[0]?.problem}`;
}

/** Paths compare byte by byte; as Latin-1 every byte is one character. */
function latin1(value: ByteString): string {
  return bytesOf(value).toString('latin1');
}
