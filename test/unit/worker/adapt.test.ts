import { expect, test } from 'vitest';
import { mounts } from '#shared/storage/mounts.ts';
import { transcoderEnv } from '../../../worker/adapt/env.ts';
import { applyHwaccel } from '../../../worker/adapt/hwaccel.ts';
import { raiseLoglevel } from '../../../worker/adapt/loglevel.ts';
import { isAlive, ownerMark, readOwnerMark, thisOwner } from '../../../worker/transcoder/owner.ts';

test('FFMPEG_HWACCEL takes the place of what PMS wrote, in every place', () => {
  const argv = ['-hwaccel:0', 'nvdec', '-i', '-hwaccel', '-hwaccel', 'cuda', '-i', 'b', 'out'];
  expect(applyHwaccel(argv, 'vaapi')).toEqual([
    '-hwaccel:0',
    'vaapi',
    '-i',
    '-hwaccel',
    '-hwaccel',
    'vaapi',
    '-i',
    'b',
    'out',
  ]);
});

test('FFMPEG_HWACCEL comes first where PMS wrote none', () => {
  expect(applyHwaccel(['-i', 'a', 'b'], 'cuda')).toEqual(['-hwaccel', 'cuda', '-i', 'a', 'b']);
});

test.each(['', 'off', 'OFF'])('FFMPEG_HWACCEL=%j changes nothing', (value) => {
  expect(applyHwaccel(['-hwaccel:0', 'nvdec', '-i', 'a', 'b'], value)).toEqual([
    '-hwaccel:0',
    'nvdec',
    '-i',
    'a',
    'b',
  ]);
});

test.each([
  ['-i a -loglevel quiet -loglevel_plex error out', '-i a -loglevel error -loglevel_plex error out'],
  ['-v quiet -i a -loglevel quiet out -loglevel quiet', '-v error -i a -loglevel error out -loglevel error'],
  ['-i quiet -loglevel quiet quiet', '-i quiet -loglevel error quiet'],
])('what was to be silent says its errors, to the worker alone: %s', (given, expected) => {
  expect(raiseLoglevel(given.split(' '))).toEqual({ argv: expected.split(' '), silent: true });
});

test.each([
  '-i a -vf showinfo thumb-%05d.jpeg',
  '-i a -loglevel verbose -loglevel_plex verbose out',
  '-loglevel info -i a -loglevel quiet out',
  '-i -loglevel quiet',
])('what may say something stays as it is: %s', (given) => {
  expect(raiseLoglevel(given.split(' '))).toEqual({ argv: given.split(' '), silent: false });
});

test('the env: what may pass of PMS’s, and the worker’s own for what describes its machine', () => {
  const fromPms = {
    X_PLEX_TOKEN: 't',
    LD_LIBRARY_PATH: '/pms',
    SECRET: 's',
    EAE_ROOT: '/tmp/pms',
    LANG: 'de',
  };
  const own = { PATH: '/bin', LD_LIBRARY_PATH: '/worker', CLUSTERPLEX_TOKEN: 's', TZ: 'UTC' };
  expect(transcoderEnv(fromPms, own)).toEqual({
    X_PLEX_TOKEN: 't',
    LANG: 'de',
    PATH: '/bin',
    LD_LIBRARY_PATH: '/worker',
    TZ: 'UTC',
  });
});

test('MOUNTS reads paths and modes, and says what is wrong with an entry', () => {
  const setting = mounts('');
  expect(setting.parse('/a:rw, /b/c/ ,/:ro')).toEqual([
    { path: '/a', mode: 'rw', optional: false },
    { path: '/b/c', mode: 'ro', optional: false },
    { path: '/', mode: 'ro', optional: false },
  ]);
  expect(() => setting.parse('/a,b')).toThrow(/"b" is not absolute/);
  expect(() => setting.parse('/a,')).toThrow(/"" is not absolute/);
});

test('an owner’s mark says who it was, and whether that process still lives', () => {
  const owner = thisOwner('w1: the "first"');
  expect(readOwnerMark(ownerMark(owner))).toEqual(owner);
  expect(isAlive(owner)).toBe(true);
  expect(isAlive({ ...owner, startTime: '1' })).toBe(false);
  expect(readOwnerMark('nonsense')).toBeNull();
});
