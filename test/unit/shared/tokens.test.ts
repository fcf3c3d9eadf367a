import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PASSED_VARIABLES, WORKER_VARIABLES } from '#shared/env.ts';
import { bearerMatches } from '#shared/tokens.ts';

test('only the very token matches, with the scheme in any case', () => {
  expect(bearerMatches('Bearer s3cret', 's3cret')).toBe(true);
  expect(bearerMatches('bearer s3cret', 's3cret')).toBe(true);
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    's3cret',
    'Basic s3cret',
    'Bearer s3cret ',
    'Bearer s3cre',
  ]) {
    expect(bearerMatches(header, 's3cret')).toBe(false);
  }
  expect(bearerMatches('xBearer s3cret', 's3cret')).toBe(false);
});

test('no other token matches, of any length', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (given, token) => {
      fc.pre(given !== token && !/[\r\n\u2028\u2029]/.test(given));
      expect(bearerMatches(`Bearer ${given}`, token)).toBe(false);
      expect(bearerMatches(`Bearer ${given}`, given)).toBe(true);
    }),
  );
});

test("what describes the worker's machine is never taken from PMS, but for the time zone's default", () => {
  const both = PASSED_VARIABLES.filter((name) => WORKER_VARIABLES.includes(name));
  expect(both).toEqual(['TZ']);
  const ownOnly = [
    'PLEX_ARCH',
    'PLEX_MEDIA_SERVER_INFO_MODEL',
    'FFMPEG_EXTERNAL_LIBS',
    'LIBVA_DRIVERS_PATH',
    'LD_LIBRARY_PATH',
    'EAE_ROOT',
  ];
  expect(WORKER_VARIABLES).toEqual(expect.arrayContaining(ownOnly));
  expect(new Set([...PASSED_VARIABLES, ...WORKER_VARIABLES]).size).toBe(
    PASSED_VARIABLES.length + WORKER_VARIABLES.length - 1,
  );
});

test('none of our settings or secrets can be passed to a transcoder', () => {
  for (const name of [...PASSED_VARIABLES, ...WORKER_VARIABLES]) {
    expect(name).not.toMatch(/^CLUSTERPLEX_|^LD_PRELOAD$|^NODE_/);
  }
});
