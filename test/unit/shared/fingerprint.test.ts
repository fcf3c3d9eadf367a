import { expect, test } from 'vitest';
import { FINGERPRINT_SIZE, fingerprintOf, isAlike } from '#shared/storage/fingerprint.ts';

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `film ${from + index}`);

test.each<[string, string[], string[], boolean]>([
  ['the same', ['films', 'series'], ['films', 'series'], true],
  ['one that was added meanwhile', ['films'], ['films', 'series'], true],
  ['a new file system of the same', ['films', 'lost+found'], ['films'], true],
  ['others', ['films', 'series', 'music'], ['photos', 'music'], false],
  ['none', ['films'], [], false],
  ['many, of which a few are new', names(0, 5_000), names(20, 5_020), true],
  ['as many others', names(0, 5_000), names(5_000, 10_000), false],
])('directories with %s', (_what, one, other, alike) => {
  expect(isAlike(fingerprintOf(one), fingerprintOf(other))).toBe(alike);
});

test('it is short, and tells no name', () => {
  const fingerprint = fingerprintOf(names(0, 5_000));
  expect(fingerprint).toHaveLength(FINGERPRINT_SIZE);
  expect(fingerprint.join()).toMatch(/^[0-9a-f,]+$/);
});
