import { posix } from 'node:path';
import { byteString, latin1, readable, shortened } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Mount } from '#shared/protocol/messages.ts';
import { isUnder } from '#shared/storage/mounts.ts';
import type { Confinement } from '../transcoder/launch.ts';
import { namedFiles } from './namedFiles.ts';

/** Devices that a command may name: the render nodes of GPUs, and nothing at all. */
const DEVICES = ['/dev/dri', '/dev/null'];

/** Subtitles are burned in with the fonts that PMS came with, named by where PMS is installed, here or not. */
const PLEX_FONTS = /\/Resources\/(?:Fonts\/[^/]+|fonts\.conf)$/;

/** Linux opens nothing with a longer name. */
const MAX_PATH_BYTES = 4096;

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

/** What must still hold when the links in an allowed job's paths are followed, which only the transcoder's launch may. */
export function confinementOf({ argv, cwd }: Pick<JobSpec, 'argv' | 'cwd'>, { mounts }: Places): Confinement {
  const named = namedFiles(argv, latin1(cwd)).flatMap((file) => ('problem' in file ? [] : [file]));
  const inMounts = [{ path: latin1(cwd), mode: 'rw' } as const, ...named].flatMap(({ path, mode }) => {
    const roots = mountsOf(path, mode, mounts).filter(({ problem }) => problem === null);
    return roots.length === 0 || path.length > MAX_PATH_BYTES ? [] : [{ path, mode, roots }];
  });
  return {
    // Another mount may hang, and is none of this job's business.
    roots: [...new Set(inMounts.flatMap(({ roots }) => roots))],
    files: inMounts.map(({ path, mode }) => ({ path: byteString(Buffer.from(path, 'latin1')), mode })),
  };
}

function whyNotAllowed(
  path: string,
  mode: Mount['mode'],
  { mounts, transcoderDirectory }: Places,
): string | null {
  const normal = posix.normalize(path);
  if (DEVICES.some((device) => isUnder(device, normal))) return null;
  if (mode === 'ro' && isUnder(latin1(transcoderDirectory), normal)) return null;
  if (mode === 'ro' && PLEX_FONTS.test(normal)) return null;
  const name = shortened(Buffer.from(normal, 'latin1').toString('utf8'), QUOTED_LENGTH);
  if (mountsOf(path, 'ro', mounts).length === 0)
    return `${name} lies outside the mounts of this worker (setting MOUNTS)`;
  const suitable = mountsOf(path, mode, mounts);
  if (suitable.length === 0) return `${name} would be written, but MOUNTS declares it read only`;
  const healthy = suitable.find(({ problem }) => problem === null);
  return healthy ? null : `${name} can't be used: ${suitable[0]?.problem}`;
}

/** The mounts in which a path may be used like that. */
function mountsOf(path: string, mode: Mount['mode'], mounts: readonly Mount[]): Mount[] {
  const normal = posix.normalize(path);
  const under = mounts.filter((mount) => isUnder(latin1(mount.path), normal));
  return mode === 'ro' ? under : under.filter((mount) => mount.mode === 'rw');
}
