import { describe, expect, test } from 'vitest';
import { classify } from '../../../pms/classify.ts';
import { plexCommands } from './corpus.ts';

const BACKGROUND_KINDS = ['analysis', 'detection-flac', 'sync', 'thumb', 'thumbnail'];

const complete = plexCommands().filter(({ isTruncated }) => !isTruncated);

describe.each(complete)('$id ($kind)', ({ kind, argv }) => {
  const { jobClass, session, title } = classify(argv);

  test('has the class of its kind', () => {
    const background = BACKGROUND_KINDS.includes(kind) || kind.startsWith('optimize');
    expect(jobClass).toBe(background ? 'background' : 'playback');
  });

  test('has the session that stands in its callback addresses', () => {
    const url = argv.find((element) => element.includes('/video/:/transcode/session/'));
    expect(session).toBe(url?.split('/video/:/transcode/session/')[1]?.split('/')[0] ?? null);
  });

  test('is called by the base name of its first input', () => {
    const input = argv[argv.indexOf('-i') + 1];
    expect(title).toBe(argv.includes('-i') ? input?.split('/').at(-1) : '(no input)');
  });
});

test('every kind of the corpus was classified', () => {
  const kinds = new Set(complete.map(({ kind }) => kind));
  expect([...kinds]).toEqual(
    expect.arrayContaining([
      ...BACKGROUND_KINDS,
      'optimize-mp4',
      'dash',
      'hls',
      'direct',
      'livetv',
      'segment-mkv',
    ]),
  );
});

const url = 'http://127.0.0.1:32400/video/:/transcode/session';

test('a command that was cut off is still classified', () => {
  expect(classify(['-codec:0', 'mpeg4', '-ss', '376', '-i'])).toEqual({
    jobClass: 'background',
    session: null,
    title: '(no input)',
  });
});

test('somebody waits for segments, whichever muxer makes them, and for a stream on stdout', () => {
  for (const muxer of ['dash', 'hls', 'ssegment', 'segment', 'stream_segment']) {
    expect(classify(['-i', 'a', '-f', muxer, 'out']).jobClass).toBe('playback');
  }
  expect(classify(['-i', 'a', '-f', 'matroska', '-']).jobClass).toBe('playback');
  expect(classify(['-i', 'a', '-manifest_name', `${url}/s/j/manifest`, 'out']).jobClass).toBe('playback');
});

test('nobody waits for a file, a thumbnail or a measurement, nor when stdin is the input', () => {
  expect(classify(['-i', '-', '-f', 'mp4', '/mnt/media/x.mp4']).jobClass).toBe('background');
  expect(classify(['-i', 'dash', '-f', 'null', 'nullfile']).jobClass).toBe('background');
  expect(classify(['-i', 'a', '-f', 'image2', 'thumb-%05d.jpeg']).jobClass).toBe('background');
});

test('the session is opaque, and may stand in any callback address alone', () => {
  expect(classify(['-i', 'a', '-progressurl', `${url}/free text/job/progress`, 'x']).session).toBe(
    'free text',
  );
  expect(classify(['-i', 'a', '-manifest_name', `${url}/word/manifest`, 'x']).session).toBe('word');
  expect(classify(['-i', 'a', '-segment_list', `${url}/w?x=1`, 'x']).session).toBe('w');
  expect(classify(['-i', `${url}/of-an-input/x`, 'x']).session).toBeNull();
});

test('the title holds no token, no directory and no more than a line of a label', () => {
  const live = 'http://127.0.0.1:32400/livetv/sessions/x/index.m3u8?X-Plex-Token=secret/y';
  expect(classify(['-i', live, 'dash']).title).toBe('index.m3u8');
  expect(classify(['-i', '/mnt/media/Who? (2020)/Who? what.mkv', 'dash']).title).toBe('Who? what.mkv');
  expect(classify(['-i', `/x/${'y'.repeat(400)}`, 'dash']).title).toHaveLength(300);
  expect(classify(['-i', '/mnt/media/', 'dash']).title).toBe('/mnt/media/');
  const latin1 = { base64: Buffer.from('/mnt/m\xe9dia/\xe9t\xe9.mkv', 'latin1').toString('base64') };
  expect(classify(['-i', latin1, 'dash']).title).toBe('\ufffdt\ufffd.mkv');
});
