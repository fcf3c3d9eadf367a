import type { ByteString } from '../bytes.ts';

/** One element of argv, replaced; everything else stays byte for byte. */
export interface ArgvEdit {
  readonly index: number;
  readonly value: string;
  /** What was done, for the job's record: `callback-address`. */
  readonly change: string;
}

export function applyEdits(
  argv: readonly ByteString[],
  edits: readonly ArgvEdit[],
): { argv: ByteString[]; changes: string[] } {
  const edited = [...argv];
  for (const { index, value } of edits) edited[index] = value;
  return { argv: edited, changes: [...new Set(edits.map(({ change }) => change))] };
}
