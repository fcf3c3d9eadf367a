import { allOptions, readCommand } from '#shared/argv/command.ts';
import { type ArgvEdit, applyEdits } from '#shared/argv/edit.ts';
import type { ByteString } from '#shared/bytes.ts';

/** Options whose value is the address of one of the transcoder's calls to PMS. */
const CALLBACK_OPTIONS = ['progressurl', 'manifest_name', 'segment_list'];

/** The paths under PMS that the Local Relay passes on, and that a job may therefore name. */
const RELAYED_PATHS = ['/video/:/transcode/session/', '/livetv/'];

export interface RewriteOptions {
  /** PMS's own address as it stands in commands: `http://127.0.0.1:32400`. */
  readonly pmsOrigin: string;
  /** What a worker must call instead: `http://192.168.1.12:32499/job/<credential>`. */
  readonly callbackBase: string;
  /** Raise both log levels (TRANSCODER_VERBOSE). */
  readonly verbose: boolean;
}

export interface Rewritten {
  readonly argv: ByteString[];
  /** What was changed, by name. */
  readonly changes: string[];
}

/** The documented rewrites that the PMS side makes (docs/architecture.md, "What is changed"), and nothing else. */
export function rewriteArgv(argv: readonly ByteString[], options: RewriteOptions): Rewritten {
  const command = readCommand(argv);
  const edits: ArgvEdit[] = [];
  const replaceOrigin = (index: number, change: string): void => {
    const value = argv[index];
    if (typeof value !== 'string' || !isAt(options.pmsOrigin, value)) return;
    edits.push({ index, value: options.callbackBase + value.slice(options.pmsOrigin.length), change });
  };
  for (const { name, valueIndex } of allOptions(command)) {
    if (valueIndex === null) continue;
    if (CALLBACK_OPTIONS.includes(name)) replaceOrigin(valueIndex, 'callback-address');
    // Older PMS wrote a decoder name that no ffmpeg knows (ClusterPlex #128).
    if (name === 'codec' && argv[valueIndex] === 'aac_lc') {
      edits.push({ index: valueIndex, value: 'aac', change: 'aac-lc' });
    }
    if (options.verbose && (name === 'loglevel' || name === 'loglevel_plex')) {
      edits.push({ index: valueIndex, value: 'verbose', change: 'verbose' });
    }
  }
  for (const { index } of command.inputs) replaceOrigin(index, 'input-address');
  return applyEdits(argv, edits);
}

/**
 * The paths at PMS that a job's transcoder may call, as prefixes that end in a slash: the directories of its callback
 * addresses, and of its inputs from PMS (live TV).
 */
export function callbackScopes(argv: readonly ByteString[], pmsOrigin: string): string[] {
  const command = readCommand(argv);
  const addresses = [
    ...allOptions(command)
      .filter(({ name }) => CALLBACK_OPTIONS.includes(name))
      .map(({ valueIndex }) => valueIndex),
    ...command.inputs.map(({ index }) => index),
  ].flatMap((index) => {
    const value = index === null ? undefined : argv[index];
    return typeof value === 'string' && isAt(pmsOrigin, value) ? [value] : [];
  });
  const paths = addresses.map((address) => address.slice(pmsOrigin.length).replace(/[?#].*$/s, ''));
  return [...new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/') + 1)))];
}

/** An input that PMS serves on loopback and that the Local Relay does not pass on: only the PMS host can read it. */
export function unreachableInput(argv: readonly ByteString[], pmsOrigin: string): string | null {
  for (const { index } of readCommand(argv).inputs) {
    const value = argv[index];
    if (typeof value !== 'string' || !isAt(pmsOrigin, value)) continue;
    const path = value.slice(pmsOrigin.length);
    if (!RELAYED_PATHS.some((prefix) => path.startsWith(prefix))) return path.replace(/\?.*$/s, '');
  }
  return null;
}

/** `http://127.0.0.1:3240` must not match `http://127.0.0.1:32400`. */
function isAt(origin: string, url: string): boolean {
  return url.startsWith(origin) && !/^\d/.test(url.slice(origin.length));
}
