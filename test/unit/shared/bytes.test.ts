import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteString, bytesOf, shortened } from '#shared/bytes.ts';

test('any bytes survive the way through JSON', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const travelled = JSON.parse(JSON.stringify(byteString(Buffer.from(bytes))));
      expect(bytesOf(travelled)).toEqual(Buffer.from(bytes));
    }),
  );
});

test('valid UTF-8 travels as plain text', () => {
  expect(byteString(Buffer.from('/mnt/médias/ทดสอบ'))).toBe('/mnt/médias/ทดสอบ');
});

test('a text for people is shortened at its end, never in the middle of a character', () => {
  expect(shortened('abc', 3)).toBe('abc');
  expect(shortened('abcd', 3)).toBe('ab…');
  expect(shortened('a🎬bc', 3)).toBe('a…');
});
