import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteString } from '#shared/bytes.ts';
import { callbackScopes, rewriteArgv, unreachableInput } from '../../../pms/rewrite.ts';
import { plexCommands } from './corpus.ts';

const pmsOrigin = 'http://127.0.0.1:32400';
const callbackBase = 'http://192.168.1.12:32499/job/0123456789abcdef0123456789abcdef';
const quiet = { pmsOrigin, callbackBase, verbose: false };
const CALLBACKS = ['-progressurl', '-manifest_name', '-segment_list'];

/** What an element may become, written without any of the reader's knowledge: by its left neighbour alone. */
function expected(argv: readonly string[], verbose: boolean): string[] {
  return argv.map((element, index) => {
    const before = argv[index - 1] ?? '';
    const address = element.startsWith(`${pmsOrigin}/`) && [...CALLBACKS, '-i'].includes(before);
    if (address) return callbackBase + element.slice(pmsOrigin.length);
    if (element === 'aac_lc' && /^-codec(:|$)/.test(before)) return 'aac';
    if (verbose && ['-loglevel', '-loglevel_plex'].includes(before)) return 'verbose';
    return element;
  });
}

describe.each(plexCommands())('$id ($kind)', ({ argv }) => {
  test.each([false, true])('is changed in nothing but what is documented (verbose: %s)', (verbose) => {
    const rewritten = rewriteArgv(argv, { ...quiet, verbose });
    expect(rewritten.argv).toEqual(expected(argv, verbose));
    const differ = rewritten.argv.some((element, index) => element !== argv[index]);
    expect(rewritten.changes.length > 0).toBe(differ);
  });

  test('calls no loopback address any more, and only under its own scopes', () => {
    const rewritten = rewriteArgv(argv, quiet).argv;
    expect(rewritten.filter((element) => String(element).includes(pmsOrigin))).toEqual([]);
    const scopes = callbackScopes(argv, pmsOrigin);
    const called = rewritten.filter((element) => String(element).startsWith(callbackBase));
    for (const address of called) {
      const path = String(address).slice(callbackBase.length);
      expect(scopes.some((scope) => path.startsWith(scope))).toBe(true);
    }
    expect(scopes.length).toBeLessThanOrEqual(1);
    expect(called.length > 0).toBe(scopes.length > 0);
  });
});

test('the corpus was read whole', () => {
  expect(plexCommands().length).toBeGreaterThanOrEqual(139);
  expect(
    plexCommands().filter(({ argv }) => rewriteArgv(argv, quiet).changes.length > 0).length,
  ).toBeGreaterThanOrEqual(128);
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.base64String().map((base64) => ({ base64 })),
  fc.constantFrom<ByteString>(
    pmsOrigin,
    `${pmsOrigin}/video/:/transcode/session/s/j/progress`,
    `${pmsOrigin}9/x`,
    'aac_lc',
    '-progressurl',
    '-i',
    '-y',
    '-codec:1',
    '-loglevel',
    '-loglevel_plex',
    '-segment_list',
    'it\'s "odd"; $(rm -rf /) \n\u202e🎬',
    '$Number%05d$',
    '-a53_cc',
    '',
    '-',
  ),
);

/** What the rules allow for one element, wherever it stands. */
function isAllowed(before: ByteString, after: ByteString): boolean {
  if (typeof before !== 'string' || typeof after !== 'string') return false;
  return after === 'aac'
    ? before === 'aac_lc'
    : before.startsWith(pmsOrigin) && after === callbackBase + before.slice(pmsOrigin.length);
}

test('of any command every element arrives as it was, in its place, but for the documented changes', () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 30 }), (argv) => {
      const before = structuredClone(argv);
      const { argv: after, changes } = rewriteArgv(argv, quiet);
      expect(argv).toEqual(before);
      expect(after).toHaveLength(argv.length);
      const touched = after.flatMap((element, index): [ByteString, ByteString][] => {
        const original = argv[index] ?? '';
        return JSON.stringify(element) === JSON.stringify(original) ? [] : [[original, element]];
      });
      for (const [original, element] of touched) expect(isAllowed(original, element)).toBe(true);
      expect(changes.length > 0).toBe(touched.length > 0);
      expect(rewriteArgv(after, quiet).argv).toEqual(after);
    }),
    { numRuns: 1_000 },
  );
});

describe('addresses', () => {
  const url = `${pmsOrigin}/video/:/transcode/session/s/j`;

  test('of all callbacks are changed, however many segment lists there are', () => {
    const argv = [
      '-i',
      'a',
      '-segment_list',
      `${url}/manifest`,
      'x',
      '-segment_list',
      `${url}/manifest?stream=1`,
    ];
    const { argv: after, changes } = rewriteArgv([...argv, 'y', '-progressurl', `${url}/progress`], quiet);
    expect(after.filter((element) => String(element).startsWith(callbackBase))).toHaveLength(3);
    expect(changes).toEqual(['callback-address']);
  });

  test('of live TV at PMS are changed, and those elsewhere are not', () => {
    const live = `${pmsOrigin}/livetv/sessions/x/index.m3u8?offset=1&X-Plex-Token=t`;
    const other = 'http://iptv.example.com/127.0.0.1:32400/x.ts';
    expect(rewriteArgv(['-i', live, '-i', other, 'dash'], quiet)).toEqual({
      argv: ['-i', callbackBase + live.slice(pmsOrigin.length), '-i', other, 'dash'],
      changes: ['input-address'],
    });
  });

  test('of a port that only begins alike, or in another option, are left alone', () => {
    const argv = [
      '-i',
      `${pmsOrigin}0/x`,
      '-metadata',
      `${url}`,
      '-progressurl',
      'http://127.0.0.1:3240/x',
      url,
    ];
    expect(rewriteArgv(argv, quiet)).toEqual({ argv, changes: [] });
  });

  test('are found at the port that PMS listens on', () => {
    const argv = ['-progressurl', 'http://127.0.0.1:1234/video/x', 'out'];
    expect(rewriteArgv(argv, { ...quiet, pmsOrigin: 'http://127.0.0.1:1234' }).argv[1]).toBe(
      `${callbackBase}/video/x`,
    );
  });
});

test('the old decoder name is changed as the value of a codec option, never as a file', () => {
  const argv = [
    '-codec:1',
    'aac_lc',
    '-i',
    'aac_lc',
    '-metadata',
    'aac_lc',
    '-codec:#0x01',
    'aac_lc',
    'aac_lc',
  ];
  expect(rewriteArgv(argv, quiet)).toEqual({
    argv: ['-codec:1', 'aac', '-i', 'aac_lc', '-metadata', 'aac_lc', '-codec:#0x01', 'aac', 'aac_lc'],
    changes: ['aac-lc'],
  });
});

test('both log levels are raised only when asked for', () => {
  const argv = ['-loglevel', 'quiet', '-loglevel_plex', 'error', 'out'];
  expect(rewriteArgv(argv, quiet)).toEqual({ argv, changes: [] });
  expect(rewriteArgv(argv, { ...quiet, verbose: true })).toEqual({
    argv: ['-loglevel', 'verbose', '-loglevel_plex', 'verbose', 'out'],
    changes: ['verbose'],
  });
});

test('the scopes of a job are the directories of its addresses at PMS, without their queries', () => {
  const session = `${pmsOrigin}/video/:/transcode/session/s/j`;
  const argv = [
    ...['-i', `${pmsOrigin}/livetv/sessions/x/index.m3u8?a=/b/`, '-i', 'http://elsewhere/livetv/y'],
    ...['-manifest_name', `${session}/manifest?X-Plex-Http-Pipeline=infinite`, 'dash'],
    ...['-progressurl', `${session}/progress`],
  ];
  expect(callbackScopes(argv, pmsOrigin).toSorted()).toEqual([
    '/livetv/sessions/x/',
    '/video/:/transcode/session/s/j/',
  ]);
  expect(callbackScopes(['-i', 'film', '-progressurl', `${pmsOrigin}0/x/y`, 'out'], pmsOrigin)).toEqual([]);
});

test('an input at PMS that the Local Relay does not pass on is found, without its query', () => {
  const part = `${pmsOrigin}/library/parts/1/file.mkv?X-Plex-Token=t`;
  expect(unreachableInput(['-i', 'film', '-i', part, 'dash'], pmsOrigin)).toBe('/library/parts/1/file.mkv');
  for (const path of ['/livetv/x', '/video/:/transcode/session/s/x']) {
    expect(unreachableInput(['-i', pmsOrigin + path, 'dash'], pmsOrigin)).toBeNull();
  }
  expect(unreachableInput(['-i', 'http://elsewhere/library/x', part], pmsOrigin)).toBeNull();
});
