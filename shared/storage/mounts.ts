import { posix } from 'node:path';
import type { Setting } from '#shared/settings/table.ts';

/** A directory that jobs may read, or read and write. */
export interface DeclaredMount {
  readonly path: string;
  readonly mode: 'ro' | 'rw';
  /** Left out without complaint where it does not exist. */
  readonly optional: boolean;
}

const DEFAULT_MOUNTS: readonly DeclaredMount[] = [
  { path: '/transcode', mode: 'rw', optional: false },
  ...['/mnt/media', '/mnt/streaming-media', '/mnt/dfs', '/data'].map((path): DeclaredMount => {
    return { path, mode: 'ro', optional: true };
  }),
];

/** A setting that lists mounts: `/transcode:rw,/mnt/media:ro`. */
export function mounts(doc: string): Setting<readonly DeclaredMount[]> {
  return {
    form: 'path[:ro|rw], …',
    default: '/transcode:rw, …',
    doc,
    secret: false,
    absent: DEFAULT_MOUNTS,
    parse: (given) => given.split(',').map((entry) => parseMount(entry.trim())),
  };
}

function parseMount(entry: string): DeclaredMount {
  const [, path = '', mode = 'ro'] = /^(.*?)(?::(ro|rw))?$/.exec(entry) ?? [];
  if (!path.startsWith('/')) throw new Error(`not a list of path:ro or path:rw; "${entry}" is not absolute`);
  return {
    path: posix.normalize(path).replace(/(.)\/$/, '$1'),
    mode: mode === 'rw' ? 'rw' : 'ro',
    optional: false,
  };
}

/** Whether the path is the directory or lies below it. Both must be normalised. */
export function isUnder(directory: string, path: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}
