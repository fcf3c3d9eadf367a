import { type ByteString, byteString, latin1 } from '#shared/bytes.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Setting } from '#shared/settings/table.ts';

/** A directory as PMS names it, and where this worker has the same one. */
export interface MappedPath {
  readonly from: string;
  readonly to: string;
}

/** A setting such as `/data=/mnt/media, /transcode=/scratch/transcode`. */
export function pathMap(doc: string): Setting<readonly MappedPath[]> {
  return {
    form: 'PMS path=path here, …',
    default: null,
    doc,
    secret: false,
    absent: [],
    parse: (given) => given.split(',').map((entry) => parseEntry(entry.trim())),
  };
}

function parseEntry(entry: string): MappedPath {
  const [from = '', to = '', ...more] = entry.split('=').map((path) => path.replace(/(.)\/+$/, '$1'));
  if (!from.startsWith('/') || !to.startsWith('/') || more.length > 0) {
    throw new Error(`not a list of PMS path=path here; "${entry}" has not two absolute paths`);
  }
  return { from, to };
}

/** Where a path begins inside an argument: at its start, or in a filter, a list, or behind a protocol. */
const BEFORE = String.raw`(^|[=:,;|[\]'\\])`;
/** A path ends there, or goes on below. */
const AFTER = String.raw`(?=$|[/:,;|[\]'\\])`;
/** What follows the address's host is its server's: PMS's callbacks have `/video/:/transcode/` in them. */
const ADDRESS = /^https?:\/\//i;

/** The job with its paths as they are here. Every path that begins like one of the map is another one here. */
export function mapPaths<T extends Pick<JobSpec, 'argv' | 'cwd'>>(job: T, map: readonly MappedPath[]): T {
  if (map.length === 0) return job;
  // The longest first: /data/films may be elsewhere than the rest of /data.
  const entries = map
    .toSorted((one, other) => other.from.length - one.from.length)
    .map(({ from, to }) => ({ from: latin1(from), to: latin1(to) }));
  const alternatives = entries.map(({ from }) => from.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  const pattern = new RegExp(`${BEFORE}(${alternatives})${AFTER}`, 'g');
  const targets = new Map(entries.map(({ from, to }) => [from, to]));
  const mapped = (value: ByteString): ByteString => {
    const text = latin1(value);
    if (ADDRESS.test(text)) return value;
    const here = text.replace(pattern, (_all, before: string, from: string) => before + targets.get(from));
    return here === text ? value : byteString(Buffer.from(here, 'latin1'));
  };
  return { ...job, argv: job.argv.map(mapped), cwd: mapped(job.cwd) };
}
