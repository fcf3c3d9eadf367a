import { posix } from 'node:path';
import { type ArgvFile, readCommand } from '#shared/argv/command.ts';
import { type ByteString, bytesOf, readable } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Mount } from '#shared/protocol/messages.ts';
import { isUnder } from '../storage/mounts.ts';

/** Devices that a command may name: the render nodes of GPUs, and nothing at all. */
const DEVICES = ['/dev/dri', '/dev/null'];

/** `file:` and ffmpeg's protocols around a file: `concat:/a|/b`, `crypto:/a`, `subfile,,start,0,end,9,,:/a`. */
const FILE_PROTOCOL = /^[a-z][a-z0-9+,._-]*:(?=\/(?!\/))/i;

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
  if (!cwd.startsWith('/')) return `cwd ${JSON.stringify(readable(job.cwd))} is not an absolute path`;
  const cwdProblem = whyNotAllowed(cwd, 'rw', places);
  if (cwdProblem) return `cwd ${cwdProblem}`;

  const { inputs, outputs } = readCommand(job.argv);
  const written = new Set(outputs.map(({ index }) => index));
  for (const [index, element] of job.argv.entries()) {
    for (const path of absolutePaths(element)) {
      const problem = whyNotAllowed(path, written.has(index) ? 'rw' : 'ro', places);
      if (problem) return `argument ${index + 1} ${problem}`;
    }
  }
  return (
    whyRelativeRefused(job, cwd, inputs, 'ro', places) ?? whyRelativeRefused(job, cwd, outputs, 'rw', places)
  );
}

/** `../../etc/passwd` is as absolute as it needs to be. */
function whyRelativeRefused(
  job: JobSpec,
  cwd: string,
  files: readonly ArgvFile[],
  mode: Mount['mode'],
  places: Places,
): string | null {
  for (const { index } of files) {
    const element = job.argv[index];
    const path = element === undefined ? '' : latin1(element).replace(/^file:/, '');
    if (path.startsWith('/') || !path.split('/').includes('..')) continue;
    const problem = whyNotAllowed(posix.join(cwd, path), mode, places);
    if (problem) return `argument ${index + 1} ${problem}`;
  }
  return null;
}

function absolutePaths(element: ByteString): string[] {
  const text = latin1(element);
  if (text.startsWith('/')) return [text];
  const protocol = FILE_PROTOCOL.exec(text);
  if (!protocol) return [];
  return text
    .slice(protocol[0].length)
    .split('|')
    .filter((path) => path.startsWith('/'));
}

function whyNotAllowed(path: string, mode: Mount['mode'], places: Places): string | null {
  const normal = posix.normalize(path);
  if (DEVICES.some((device) => isUnder(device, normal))) return null;
  if (mode === 'ro' && isUnder(latin1(places.transcoderDirectory), normal)) return null;
  const under = places.mounts.filter((mount) => isUnder(latin1(mount.path), normal));
  const name = Buffer.from(normal, 'latin1').toString('utf8');
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
