import { expect, test } from 'vitest';
import { usesEncoder } from '#shared/argv/encoders.ts';
import { corpus } from '../../support/corpus.ts';

test.each([
  [['-i', 'a', '-codec:0', 'h264_nvenc', 'out'], 'h264'],
  [['-i', 'a', '-c:v', 'hevc_vaapi', '-c:a', 'aac', 'out'], 'hevc'],
  [['-i', 'a', '-vcodec', 'av1_qsv', 'out'], 'av1'],
  [['-i', 'a', '-codec:0', 'libx264', 'out'], null],
  // A decoder of that name stands before the input.
  [['-codec:0', 'h264_qsv', '-i', 'a', '-codec:0', 'libx264', 'out'], null],
  [['-i', 'h264_nvenc', '-codec:0', 'copy', 'h264_nvenc'], null],
])('%j', (argv, codec) => {
  expect(usesEncoder(argv)).toBe(codec);
});

test('of what PMS asked for, exactly the commands that the corpus says a GPU encoded', () => {
  const plex = corpus(['plex-captures']).filter(({ isTruncated }) => !isTruncated);
  const byGpu = plex.filter(({ hw }) => hw === 'vaapi' || hw === 'nvenc').map(({ id }) => id);
  expect(byGpu.length).toBeGreaterThan(5);
  expect(plex.filter(({ argv }) => usesEncoder(argv) !== null).map(({ id }) => id)).toEqual(byGpu);
});
