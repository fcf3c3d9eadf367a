import { expect, test } from 'vitest';
import type { ByteString } from '#shared/bytes.ts';
import { mapPaths, pathMap } from '../../../worker/adapt/pathMap.ts';
import { corpus } from '../../support/corpus.ts';

const MAP = pathMap('').parse('/data=/mnt/media, /data/Kids=/mnt/kids,/transcode=/scratch/t/,/médias=/mnt/m');

function mapped(...argv: ByteString[]): readonly ByteString[] {
  return mapPaths({ argv, cwd: '/' }, MAP).argv;
}

test.each<[ByteString, ByteString]>([
  ['/data/Films/a.mkv', '/mnt/media/Films/a.mkv'],
  ['/data', '/mnt/media'],
  ['/data/Kids/b.mkv', '/mnt/kids/b.mkv'],
  ['/data/KidsToo/b.mkv', '/mnt/media/KidsToo/b.mkv'],
  ['file:/data/a.mkv', 'file:/mnt/media/a.mkv'],
  ['concat:/data/a.ts|/data/Kids/b.ts', 'concat:/mnt/media/a.ts|/mnt/kids/b.ts'],
  ["[0:0]subtitles='/data/a b.mkv':si=0[1]", "[0:0]subtitles='/mnt/media/a b.mkv':si=0[1]"],
  ['movie=/data/logo.png,scale=1:2', 'movie=/mnt/media/logo.png,scale=1:2'],
  ['/médias/é.mkv', '/mnt/m/é.mkv'],
  [
    { base64: Buffer.from('/data/\xe9', 'latin1').toString('base64') },
    { base64: Buffer.from('/mnt/media/\xe9', 'latin1').toString('base64') },
  ],
])('%j becomes %j', (from, to) => expect(mapped('-i', from)).toEqual(['-i', to]));

test.each([
  '/database/a.mkv',
  '/mnt/data/a.mkv',
  'a/data/b',
  'http://127.0.0.1:32499/data/x',
  'media-%05d.ts',
  '-data',
])('%s stays', (argument) => expect(mapped(argument)).toEqual([argument]));

test('no address that a server gave its transcoder is changed, though PMS’s have /video/:/transcode/ in them', () => {
  const map = pathMap('').parse('/transcode=/scratch/t,/video=/x');
  const addresses = corpus().flatMap(({ argv }) => argv.filter((argument) => /https?:/i.test(argument)));
  expect(addresses.filter((address) => address.includes('/video/:/transcode/')).length).toBeGreaterThan(100);
  expect(mapPaths({ argv: addresses, cwd: '/' }, map).argv).toEqual(addresses);
});

test('the cwd is mapped, too, and without a map a job stays what it is', () => {
  const job = { argv: ['x'], cwd: '/transcode/Sessions/a' };
  expect(mapPaths(job, MAP).cwd).toBe('/scratch/t/Sessions/a');
  expect(mapPaths(job, [])).toBe(job);
});

test.each(['/data', 'data=/mnt', '/data=mnt', '/data=/a=/b', '/data=/mnt,'])('%j is no map', (given) => {
  expect(() => pathMap('').parse(given)).toThrow(
    /not a list of PMS path=path here; ".*" has not two absolute paths/,
  );
});
