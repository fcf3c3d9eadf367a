import { allOptions, readCommand } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';

/** ffmpeg knows the option by both names. */
const NAMES = ['loglevel', 'v'];

/** What PMS writes for playback: it wants no word on stderr. */
const SILENT = 'quiet';
/** What the transcoder says of what went wrong. */
export const RAISED = 'error';

export interface Loglevel {
  readonly argv: readonly ByteString[];
  /** PMS wants nothing of its stderr. */
  readonly silent: boolean;
}

/** Lets a transcoder that was to be silent say its errors. One that was to say anything, or was told nothing, stays as it is. */
export function raiseLoglevel(argv: readonly ByteString[]): Loglevel {
  const options = allOptions(readCommand(argv)).filter(({ name }) => NAMES.includes(name));
  const values = options.flatMap(({ valueIndex }) => (valueIndex === null ? [] : [valueIndex]));
  const silent = values.length > 0 && values.every((index) => argv[index] === SILENT);
  if (!silent) return { argv, silent };
  return { argv: argv.map((element, index) => (values.includes(index) ? RAISED : element)), silent };
}
