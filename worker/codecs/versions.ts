import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** No name is cut in two where a chunk ends. */
const OVERLAP = 512;

/** A build as Plex names them: `8217c1c-4578`, `46f74ab-560174306fe167a5978a79dd`. */
const PLEX_BUILD = '[0-9a-f]{7,40}-[0-9a-f]{4,64}';

/** The option that only Plex's transcoder has. */
const PLEX_ONLY = /loglevel_plex/;
/** ffmpeg's own format of its first line, with the version in it. */
const FIRST_LINE = new RegExp(`%s version (${PLEX_BUILD})\\0`);
const ANYWHERE = new RegExp(`(?:^|[^0-9A-Za-z-])(${PLEX_BUILD})\\0`);
/** What Plex may come up with next. */
const ANY_FIRST_LINE = /%s version (\w[\w.+~-]{2,100})\0/;

const ELF = /^\x7fELF/;

const PMS_VERSION = /(?:^|[^0-9.])(\d+\.\d+\.\d+\.\d+(?:\.\d+)*-[0-9a-f]{6,40})(?![\w.-])/;
/** The name that ClusterPlex's images give it, and its own. */
const PMS_FILES = ['pms_original', 'Plex Media Server'];

export interface CodecVersion {
  readonly version: string | null;
  /** Whether the transcoder is Plex's own, whose codecs are not inside it. */
  readonly isPlex: boolean;
}

/**
 * The version of the codecs that the transcoder wants, as it stands in its program file.
 *
 * @throws when the file can't be read
 */
export async function codecVersionOf(transcoder: string): Promise<CodecVersion> {
  const patterns = [FIRST_LINE, ANYWHERE, ANY_FIRST_LINE, PLEX_ONLY, ELF];
  const [firstLine, anywhere, anything, plexOnly, elf] = await find(transcoder, patterns);
  const isPlex = elf !== null && (firstLine !== null || plexOnly !== null);
  return { isPlex, version: firstLine ?? (isPlex ? anywhere : null) ?? anything ?? null };
}

/** The version of the PMS that lies beside the transcoder; null where none does. */
export async function pmsVersionIn(directory: string): Promise<string | null> {
  const there = await readdir(directory).catch((): string[] => []);
  const file = PMS_FILES.find((name) => there.includes(name));
  if (file === undefined) return null;
  const [version = null] = await find(join(directory, file), [PMS_VERSION]).catch((): null[] => []);
  return version;
}

/** What each pattern first finds: its group, or all of it. */
async function find(file: string, patterns: readonly RegExp[]): Promise<(string | null)[]> {
  const found: (string | null)[] = patterns.map(() => null);
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
    const text = rest + String(chunk);
    for (const [index, pattern] of patterns.entries()) {
      const match = found[index] === null ? pattern.exec(text) : null;
      if (match) found[index] = match[1] ?? match[0];
    }
    if (found.every((value) => value !== null)) break;
    rest = text.slice(-OVERLAP);
  }
  return found;
}
