import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '#shared/errors.ts';
import { MARKER } from '#shared/hookWrapper.ts';

/** What stands at a path: our wrapper, a compiled program, anything else, or nothing. */
export type Kind = 'wrapper' | 'program' | 'other' | 'nothing';

const ELF_MAGIC = Buffer.from('\x7fELF');
const HEAD_BYTES = 4_096;
const TEMPORARY = '.clusterplex-';
/** What link() says where a file system has no hard links, or may not make one. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

export function kindOf(path: string): Kind {
  const head = Buffer.alloc(HEAD_BYTES);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'nothing';
    throw error;
  }
  try {
    const length = readSync(file, head, 0, HEAD_BYTES, 0);
    if (head.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC)) return 'program';
    return head.subarray(0, length).includes(MARKER) ? 'wrapper' : 'other';
  } finally {
    closeSync(file);
  }
}

/** Changes whenever another file, or other content, comes to stand at the path. */
export function identityOf(path: string): string {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(' ') : '';
}

export function sameContent(a: string, b: string): boolean {
  const [first, second] = [statSync(a), statSync(b)];
  if (first.dev === second.dev && first.ino === second.ino) return true;
  return first.size === second.size && readFileSync(a).equals(readFileSync(b));
}

/** A second name for the same file, to rename where it is needed: so no name is ever without a file. */
export function duplicate(path: string): string {
  const copy = temporaryBeside(path);
  try {
    linkSync(path, copy);
  } catch (error) {
    if (!NO_LINKS.includes(systemErrorCode(error) ?? '')) throw error;
    copyFileSync(path, copy, constants.COPYFILE_EXCL);
    chmodSync(copy, statSync(path).mode);
    syncFile(copy);
  }
  return copy;
}

/** Puts `from`, made by `duplicate` or `writeTemporary`, in the place of `to`. */
export function replace(from: string, to: string): void {
  renameSync(from, to);
  // Renaming a file to another of its own names does nothing, and leaves both.
  rmSync(from, { force: true });
}

/** Writes a file that `replace` can put in place whole, even when the power fails. */
export function writeTemporary(target: string, content: string, mode: number): string {
  const path = temporaryBeside(target);
  const file = openSync(path, 'wx', mode);
  writeSync(file, content);
  fsyncSync(file);
  closeSync(file);
  chmodSync(path, mode);
  return path;
}

export function hasContent(path: string, content: string): boolean {
  try {
    return readFileSync(path, 'utf8') === content;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

export function makeExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    chmodSync(path, 0o755);
  }
}

/** What an installation that was killed has left. */
export function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(TEMPORARY)) rmSync(join(directory, name), { force: true });
  }
}

function temporaryBeside(path: string): string {
  return join(path, '..', `${TEMPORARY}${crypto.randomUUID()}`);
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
