import { createHash } from 'node:crypto';

/** Enough to tell two directories apart, and to recognise one to which something was added meanwhile. */
export const FINGERPRINT_SIZE = 16;
export const FINGERPRINT_LENGTH = 12;

/** Which names a directory has, as the lowest of their hashes: two that have most names in common have most of these. */
export function fingerprintOf(entries: readonly string[]): string[] {
  return entries
    .filter((name) => name !== 'lost+found')
    .map((name) => createHash('sha256').update(name).digest('hex').slice(0, FINGERPRINT_LENGTH))
    .toSorted()
    .slice(0, FINGERPRINT_SIZE);
}

/** Whether they may be of one directory, seen at slightly different times. */
export function isAlike(one: readonly string[], other: readonly string[]): boolean {
  const lowest = [...new Set([...one, ...other])].toSorted().slice(0, FINGERPRINT_SIZE);
  const common = lowest.filter((hash) => one.includes(hash) && other.includes(hash));
  return common.length * 2 >= lowest.length;
}
