import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOfElement, spliced, splicesBetween } from '#shared/argv/splice.ts';
import type { ByteString } from '#shared/bytes.ts';

const between = (before: readonly ByteString[], after: readonly ByteString[]) =>
  splicesBetween(before, after, keyOfElement);

test('a command that was not changed has none', () => {
  expect(between(['-i', 'a', { base64: '/w==' }], ['-i', 'a', { base64: '/w==' }])).toEqual([]);
});

test.each<[string, ByteString[], ByteString[], object[]]>([
  ['a value', ['-a', '1', '-b'], ['-a', '2', '-b'], [{ at: 1, remove: 1, insert: ['2'] }]],
  ['before all others', ['-a'], ['-h', 'x', '-a'], [{ at: 0, remove: 0, insert: ['-h', 'x'] }]],
  ['at the end', ['-a'], ['-a', 'out'], [{ at: 1, remove: 0, insert: ['out'] }]],
  ['what goes', ['-a', '-b', '-c'], ['-a', '-c'], [{ at: 1, remove: 1, insert: [] }]],
  ['bytes that became text', [{ base64: '/w==' }], ['/w=='], [{ at: 0, remove: 1, insert: ['/w=='] }]],
  [
    'two places',
    ['-a', '1', '-b', '2', '-c'],
    ['-a', '-b', '2', '-x', '-c'],
    [
      { at: 1, remove: 1, insert: [] },
      { at: 4, remove: 0, insert: ['-x'] },
    ],
  ],
])('%s', (_, before, after, splices) => {
  expect(between(before, after)).toEqual(splices);
});

test('they make one list of the other, whichever these are', () => {
  const list = fc.array(fc.constantFrom('-a', '-b', '1', '2', 'x'), { maxLength: 12 });
  fc.assert(
    fc.property(list, list, (before, after) => {
      const splices = between(before, after);
      expect(spliced(before, splices)).toEqual(after);
      expect(spliced(after, between(after, before))).toEqual(before);
      const kept = before.length - splices.reduce((sum, { remove }) => sum + remove, 0);
      // What is common to both is not said again.
      expect(kept >= 1).toBe(before.some((element) => after.includes(element)));
    }),
  );
});

test('of lists that are too long to compare, everything between what is alike is one', () => {
  const [before, after] = ['a', 'b'].map((name) =>
    Array.from({ length: 1_100 }, (_, index) => `${name}${index}`),
  );
  const splices = between(['same', ...(before ?? []), 'end'], ['same', ...(after ?? []), 'end']);
  expect(splices).toEqual([{ at: 1, remove: 1_100, insert: after }]);
});

test('a list may be longer than a call has room for arguments', () => {
  const long = Array.from({ length: 200_000 }, (_, index) => String(index));
  expect(spliced(['a', 'b'], [{ at: 1, remove: 1, insert: long }])).toHaveLength(200_001);
  expect(spliced(long, [{ at: 199_999, remove: 1, insert: [] }])).toHaveLength(199_999);
});

test.each([
  [[{ at: 3, remove: 0, insert: ['x'] }]],
  [[{ at: 1, remove: 2, insert: [] }]],
  [
    [
      { at: 1, remove: 1, insert: [] },
      { at: 0, remove: 1, insert: [] },
    ],
  ],
])('what does not fit the list is refused: %j', (splices) => {
  expect(spliced(['a', 'b'], splices)).toBeNull();
});
