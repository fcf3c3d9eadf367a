import { expect, test } from 'vitest';
import { readErrorIn } from '#shared/readError.ts';

const FILM = '/mnt/media/A: film.mkv';

test.each([
  [`${FILM}: Input/output error`, 'Input/output error'],
  [`${FILM}: Stale file handle\r`, 'Stale file handle'],
  [`${FILM}: I/O error`, 'I/O error'],
  [`${FILM}: Error number -512 occurred`, 'Error number -512 occurred'],
  [`${FILM}: No error information`, 'No error information'],
  ['[in#0/matroska,webm @ 0x55] Error during demuxing: Connection timed out', 'Connection timed out'],
])('%j', (line, cause) => {
  expect(readErrorIn(line, ['other', FILM])).toBe(cause);
});

test.each([
  ['', 'nothing'],
  [`${FILM}: Invalid data found when processing input`, 'a damaged file'],
  [`${FILM}: No such file or directory`, 'a file that is not there'],
  ['[matroska,webm @ 0x55] File ended prematurely', 'a file that was cut off'],
  ['http://127.0.0.1:32499/manifest: Connection timed out', 'a callback'],
  ['av_interleaved_write_frame(): Input/output error', 'an output'],
  [`Opening '${FILM}: Input/output error' for reading`, 'a name'],
])('%j is %s', (line) => {
  expect(readErrorIn(line, [FILM])).toBeNull();
});
