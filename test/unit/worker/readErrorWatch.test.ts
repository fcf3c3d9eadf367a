import { expect, test } from 'vitest';
import { ReadErrorWatch } from '../../../worker/attempts/readErrorWatch.ts';

const NAME = Buffer.from([0x2f, 0xe4, 0x2e, 0x6d, 0x6b, 0x76]);

test('what a transcoder says of its input is found in whatever pieces it comes, and whatever bytes name it', () => {
  const watch = new ReadErrorWatch(['-i', { base64: NAME.toString('base64') }, 'dash']);
  const text = Buffer.concat([
    Buffer.from('frame=1\rframe=2\r'),
    NAME,
    Buffer.from(': Input/output error\n'),
  ]);
  for (const byte of text.subarray(0, -1)) watch.look(Buffer.from([byte]));
  watch.look(Buffer.from('\nmore\n'));
  expect(watch.found).toBe('Input/output error');
});

test('nothing else is', () => {
  const watch = new ReadErrorWatch(['-i', '/film.mkv', 'dash']);
  watch.look(Buffer.from('/film.mkv: Invalid data found\nhttp://pms/: Input/output error\n'));
  watch.look(Buffer.alloc(100_000, 'x'));
  expect(watch.found).toBeNull();
});
