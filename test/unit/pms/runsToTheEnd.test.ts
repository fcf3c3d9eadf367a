import { expect, test } from 'vitest';
import { runsToTheEnd } from '../../../pms/relay/runsToTheEnd.ts';

test.each([
  ['-ss 60 -i f.mkv -copyts -f dash dash', true],
  ['-i f.mkv -f mp4 out.mp4', true],
  ['-ss 60 -i f.mkv -f mp4 out.mp4', false],
  ['-i f.mkv -f dash dash', false],
  ['-i f.mkv -copyts -t 60 -f dash dash', false],
  ['-to 60 -i f.mkv -copyts -f dash dash', false],
  ['-i f.mkv -copyts -frames:v 9 -f dash dash', false],
  ['-i f.mkv -i g.mp3 -copyts -shortest -f dash dash', false],
  ['-i http://127.0.0.1:32400/livetv/x.m3u8 -copyts -f dash dash', false],
])('%s: %s', (command, expected) => {
  expect(runsToTheEnd(command.split(' '))).toBe(expected);
});
