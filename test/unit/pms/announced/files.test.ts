import fc from 'fast-check';
import { expect, test } from 'vitest';
import { announcedFiles } from '../../../../pms/relay/announced/files.ts';
import { aRun, manifestOf, mutated, wholeRun } from './documents.ts';

const names = (document: string): string[] => announcedFiles(document).map(({ name }) => name);

test('a manifest announces init and media files of all representations', () => {
  expect(names(wholeRun(2, 3))).toEqual([
    'init-stream0.m4s',
    'chunk-stream0-00002.m4s',
    'chunk-stream0-00003.m4s',
    'init-stream1.m4s',
    'chunk-stream1-00002.m4s',
    'chunk-stream1-00003.m4s',
  ]);
});

test('a list announces what is finished', () => {
  expect(names('media-00003.ts,3,4,4\nmedia-00004.ts,4,5,5\n#media-00005.ts,5,5,5\n')).toEqual([
    'media-00003.ts',
    'media-00004.ts',
  ]);
});

test('the next file is opened when one of a list is closed', () => {
  const next = (name: string) => announcedFiles(`${name},3,4`)[0]?.next;
  expect(next('media-00009.ts')).toBe('media-00010.ts');
  expect(next('sub-chunk-99999')).toBe('sub-chunk-100000');
  expect(next('media.ts')).toBeNull();
  expect(announcedFiles(wholeRun(1, 1))[0]).toEqual({ name: 'init-stream0.m4s', next: null });
});

test('only files of the directory itself', () => {
  expect(names('../a-1,0,1\n/etc/passwd,0,1\n..,0,1\n.,0,1\na\\b,0,1\nmedia-2,0,1\n')).toEqual(['media-2']);
  const elsewhere = wholeRun(1, 1).replaceAll('media="', 'media="../').replace('"init-', '"/init-');
  expect(names(elsewhere)).toEqual(['init-stream1.m4s']);
});

test('nothing where nothing can be read', () => {
  expect(names('')).toEqual([]);
  expect(names('<MPD')).toEqual([]);
  expect(names('nonsense')).toEqual([]);
  fc.assert(
    fc.property(mutated(aRun.map((run) => manifestOf(run, 0, run.durations.length))), (text) => {
      expect(names(text).every((name) => !name.includes('/'))).toBe(true);
    }),
  );
});
