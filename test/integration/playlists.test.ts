import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ffmpegTools } from '../support/ffmpeg.ts';
import { makeSample } from '../support/sample.ts';
import { run } from '../support/standInStage.ts';

/** What docs/security.md says that ffmpeg itself lets a list name, which no worker looks into. */
const root = mkdtempSync(join(tmpdir(), 'playlists-'));
const mount = join(root, 'mount');
const outside = join(root, 'outside.mkv');
const fragments = join(root, 'outside.mp4');

beforeAll(async () => {
  mkdirSync(join(mount, 'below'), { recursive: true });
  await makeSample(outside, { seconds: 1, width: 64, height: 64 });
  for (const name of ['beside.mkv', 'below/film.mkv']) copyFileSync(outside, join(mount, name));
  copyFileSync(outside, join(root, 'outside.secret'));
  const fragmented = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof', fragments];
  await run(ffmpegTools().ffmpeg, ['-v', 'error', '-i', outside, '-map', '0:v', '-c', 'copy', ...fragmented]);
  symlinkSync(outside, join(mount, 'link.mkv'));
});

afterAll(() => rmSync(root, { recursive: true }));

/** Whether ffmpeg, given nothing but the list, gets a picture out of it. */
async function isRead(list: string): Promise<boolean> {
  const file = 'a film.mkv';
  writeFileSync(join(mount, file), list);
  const args = ['-v', 'error', '-i', file, '-map', '0:v', '-frames:v', '1', '-f', 'framecrc', '-'];
  return run(ffmpegTools().ffmpeg, args, { cwd: mount }).then(
    ({ stdout }) => /^0,/m.test(stdout),
    () => false,
  );
}

describe('a concat list that nobody named as such', () => {
  test.each([
    ['a file beside it', () => 'beside.mkv', true],
    ['one below', () => 'below/film.mkv', true],
    ['a link that was there', () => 'link.mkv', true],
    ['an absolute path', () => outside, false],
    ['a climb', () => '../outside.mkv', false],
    ['a protocol', () => `file:${outside}`, false],
    ['an address', () => 'http://127.0.0.1:1/x.mkv', false],
  ])('%s', async (_what, file, expected) => {
    expect(await isRead(`ffconcat version 1.0\nfile ${file()}\n`)).toBe(expected);
  });
});

describe('an HLS playlist that nobody named as such', () => {
  test.each([
    ['an absolute path that ends like media', () => outside, true],
    ['one that does not', () => join(root, 'outside.secret'), false],
    ['an address', () => 'http://127.0.0.1:1/x.mkv', false],
  ])('%s', async (_what, file, expected) => {
    const rows = ['#EXTM3U', '#EXT-X-TARGETDURATION:1', '#EXTINF:1,', file(), '#EXT-X-ENDLIST'];
    expect(await isRead(`${rows.join('\n')}\n`)).toBe(expected);
  });
});

describe('a DASH manifest that nobody named as such', () => {
  test.each([
    ['a path that ends like media', () => fragments, true],
    ['one that does not', () => join(root, 'outside.secret'), false],
  ])('%s', async (_what, file, expected) => {
    const manifest =
      '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:full:2011" type="static" ' +
      'mediaPresentationDuration="PT1S" minBufferTime="PT1S"><Period><AdaptationSet contentType="video" ' +
      'mimeType="video/mp4"><Representation id="0" mimeType="video/mp4" bandwidth="1000" width="64" height="64">' +
      `<BaseURL>file:${file()}</BaseURL></Representation></AdaptationSet></Period></MPD>`;
    expect(await isRead(manifest)).toBe(expected);
  });
});

test('a description of a session opens no socket', async () => {
  const lines = ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=x', 'c=IN IP4 127.0.0.1', 't=0 0'];
  const media = ['m=video 5004 RTP/AVP 96', 'a=rtpmap:96 H264/90000', ''];
  expect(await isRead([...lines, ...media].join('\n'))).toBe(false);
});
