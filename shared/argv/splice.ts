import { type Static, Type } from 'typebox';
import { ByteString } from '../bytes.ts';

/** From `at` on, so many elements are others. */
export const Splice = Type.Object(
  {
    at: Type.Integer({ minimum: 0 }),
    remove: Type.Integer({ minimum: 0 }),
    insert: Type.Array(ByteString),
  },
  { additionalProperties: false },
);
export type Splice = Static<typeof Splice>;

/** Beyond that, finding the least difference takes too long: then everything in between is another. */
const MOST_CELLS = 1_000_000;

/** What makes one list of the other, in order of place; empty when they are the same. */
export function splicesBetween<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (element: T) => string,
): { at: number; remove: number; insert: T[] }[] {
  const isSame = (one: T | undefined, other: T | undefined): boolean =>
    one === other || (one !== undefined && other !== undefined && keyOf(one) === keyOf(other));
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && isSame(before[start], after[start])) start += 1;
  let end = 0;
  while (end < shorter - start && isSame(before.at(-1 - end), after.at(-1 - end))) end += 1;
  const one = before.slice(start, before.length - end).map(keyOf);
  const other = after.slice(start, after.length - end).map(keyOf);
  const [rows, columns] = [one.length, other.length];
  const isTooLong = rows * columns > MOST_CELLS;
  const common = isTooLong ? new Uint32Array(0) : longest(one, other);
  const at = (row: number, column: number): number => common[row * (columns + 1) + column] ?? 0;

  const splices: { at: number; remove: number; insert: T[] }[] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    if (!isTooLong && row < rows && column < columns && one[row] === other[column]) {
      row += 1;
      column += 1;
      continue;
    }
    const last = splices.at(-1);
    const here =
      last && last.at + last.remove === start + row ? last : { at: start + row, remove: 0, insert: [] };
    if (here !== last) splices.push(here);
    if (column === columns || (row < rows && at(row + 1, column) >= at(row, column + 1))) {
      here.remove += 1;
      row += 1;
    } else {
      here.insert.push(...after.slice(start + column, start + column + 1));
      column += 1;
    }
  }
  return splices;
}

/** Lengths of the longest common subsequences of what follows each pair of places. */
function longest(one: readonly string[], other: readonly string[]): Uint32Array {
  const width = other.length + 1;
  const lengths = new Uint32Array((one.length + 1) * width);
  for (let row = one.length - 1; row >= 0; row--) {
    for (let column = other.length - 1; column >= 0; column--) {
      const below = lengths[(row + 1) * width + column] ?? 0;
      const beside = lengths[row * width + column + 1] ?? 0;
      const both = lengths[(row + 1) * width + column + 1] ?? 0;
      lengths[row * width + column] = one[row] === other[column] ? both + 1 : Math.max(below, beside);
    }
  }
  return lengths;
}

/** Null when they don't fit: a peer may say anything. */
export function spliced<T>(
  list: readonly T[],
  splices: readonly { readonly at: number; readonly remove: number; readonly insert: readonly T[] }[],
): T[] | null {
  const result: T[] = [];
  // A list of any length: arguments have no room for it.
  const add = (some: readonly T[]): void => {
    for (const element of some) result.push(element);
  };
  let from = 0;
  for (const { at, remove, insert } of splices) {
    if (at < from || at + remove > list.length) return null;
    add(list.slice(from, at));
    add(insert);
    from = at + remove;
  }
  add(list.slice(from));
  return result;
}

/** Text and bytes that are no text are never the same. */
export function keyOfElement(element: ByteString): string {
  return typeof element === 'string' ? `"${element}` : element.base64;
}
