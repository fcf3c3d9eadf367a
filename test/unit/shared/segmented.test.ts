import { expect, test } from 'vitest';
import { lastValueOf, readCommand } from '#shared/argv/command.ts';
import { type Segmented, segmentedOutput } from '#shared/argv/segmented.ts';
import type { ByteString } from '#shared/bytes.ts';
import { corpusCommand } from '../../support/corpus.ts';
import { plexCommands } from '../pms/corpus.ts';

/** The number after the first `-name`, read without the code under test. */
function numberAfter(argv: readonly string[], name: string): number | null {
  const value = argv[argv.indexOf(name) + 1];
  return argv.includes(name) && value !== undefined ? Number(value) : null;
}

function segmented(argv: readonly ByteString[]): Segmented {
  const read = segmentedOutput(argv);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

function problem(argv: readonly ByteString[]): string | null {
  const read = segmentedOutput(argv);
  return 'problem' in read ? read.problem : null;
}

test('the first segment follows from the seek in every command of the corpus that numbers segments', () => {
  const seen = { dash: 0, ssegment: 0, seeks: 0 };
  for (const { id, argv } of plexCommands()) {
    const seek = numberAfter(argv, '-ss') ?? 0;
    const skip = numberAfter(argv, '-skip_to_segment');
    const start = argv.includes('ssegment') ? numberAfter(argv, '-segment_start_number') : null;
    const step = numberAfter(argv, skip === null ? '-segment_time' : '-seg_duration');
    if (step === null || (skip === null && start === null)) continue;
    seen[skip === null ? 'ssegment' : 'dash'] += 1;
    if (seek > 0) seen.seeks += 1;
    const expected = seek / step + (skip === null ? 0 : 1);
    expect({ id, first: skip ?? start }).toEqual({ id, first: expected });
    const read = segmentedOutput(argv);
    if ('problem' in read) continue;
    expect({ id, ...read }).toMatchObject({
      id,
      firstSegment: expected,
      seekSeconds: seek,
      segmentSeconds: step,
    });
  }
  expect(seen).toEqual({ dash: 84, ssegment: 19, seeks: 47 });
});

const UNNUMBERED = 'It has no output in numbered segments (dash or ssegment).';

test('what can go on where it stopped, and why the rest begins at the beginning: the whole corpus', () => {
  const answers: Record<string, Record<string, number>> = {};
  for (const { argv, kind, isTruncated, twin } of plexCommands()) {
    if (twin !== null) continue;
    const read = segmentedOutput(argv);
    const answer = 'problem' in read ? read.problem : 'goes on';
    const name = isTruncated ? 'truncated by its source' : kind;
    const kinds = answers[answer] ?? {};
    answers[answer] = { ...kinds, [name]: (kinds[name] ?? 0) + 1 };
  }
  expect(answers).toEqual({
    'goes on': {
      dash: 30,
      'dash-copy': 14,
      'dash-subburn-text': 8,
      'hls-mkv': 1,
      'hls-mkv-copy': 1,
      'hls-mkv-subburn': 2,
      'hls-mkv-subburn-bitmap': 1,
      'hls-mkv-subcopy': 5,
    },
    // PMS numbers them from 0 after a seek, and a seek finds lines before its place: their numbers would differ.
    'It also writes subtitles in segments with numbers of their own.': { 'dash-copy-subs': 4 },
    [UNNUMBERED]: {
      // Somebody watches, but how PMS numbers a seek is not known.
      ...{ direct: 1, livetv: 1, 'segment-mkv': 1 },
      // One file, which nobody waits for.
      ...{ 'optimize-mp4': 10, 'optimize-mp4-copy': 1, 'optimize-mp4-sidecar': 3, 'optimize-mp4-subburn': 1 },
      ...{ 'detection-flac': 4, sync: 1, thumbnail: 3 },
      'truncated by its source': 8,
    },
    // Its source left the input out: with one it goes on.
    'It has no input.': { hls: 1 },
  });
});

test('MPEG-TS goes on like Matroska: with its input, the one command of the corpus', () => {
  const { argv } = corpusCommand('plex-misc-2');
  const withInput = argv.toSpliced(argv.indexOf('-map_inlineass'), 0, '-i', '/media/input.mkv');
  expect(segmented(withInput)).toMatchObject({ kind: 'ssegment', segmentSeconds: 1, videoCopied: false });
});

test('video is copied exactly where PMS asks for a seek to a key frame', () => {
  for (const { id, argv } of plexCommands()) {
    const read = segmentedOutput(argv);
    if ('problem' in read) continue;
    expect({ id, copied: read.videoCopied }).toEqual({ id, copied: argv.includes('-noaccurate_seek') });
  }
});

test('a seek with dash and one with ssegment, in full', () => {
  expect(segmented(corpusCommand('mc-dash-14').argv)).toEqual({
    kind: 'dash',
    segmentSeconds: 5,
    firstSegment: 66,
    seekSeconds: 325,
    videoCopied: true,
  });
  expect(segmented(corpusCommand('sp-acc-7495').argv)).toEqual({
    kind: 'ssegment',
    segmentSeconds: 8,
    firstSegment: 237,
    seekSeconds: 1896,
    videoCopied: false,
    filePattern: 'media-%05d.ts',
  });
});

test('without its numbers a command begins at the start, and says no length', () => {
  expect(segmented('-i a -f dash dash'.split(' '))).toEqual({
    kind: 'dash',
    segmentSeconds: null,
    firstSegment: 1,
    seekSeconds: 0,
    videoCopied: false,
  });
  const argv = '-i a -segment_time 0 -segment_format mpegts -f ssegment out'.split(' ');
  expect(segmented(argv)).toMatchObject({ segmentSeconds: null, firstSegment: 0 });
});

test('a path that is not text is as good as any other', () => {
  const film = { base64: '//8=' };
  const argv = ['-ss', '2.5', '-i', film, '-codec', 'copy', '-f', 'dash', '-skip_to_segment', '3', film];
  expect(segmented(argv)).toMatchObject({ seekSeconds: 2.5, firstSegment: 3, videoCopied: true });
});

test.each([
  ['-i a -f mp4 out', /no output in numbered segments/],
  ['-i a -segment_format matroska -f segment chunk-%05d', /no output in numbered segments/],
  ['-i a -f dash', /no output in numbered segments/],
  ['-f dash dash', /no input/],
  ['-i a -f dash one -f dash two', /two outputs in segments/],
  ['-i a -f dash dash -f segment -segment_start_number 0 sub-chunk-%05d', /subtitles in segments/],
  ['-i a -f dash dash -f srt b.srt', /another file/],
  ['-i a -f dash dash b.srt', /another file/],
  ['-i a -segment_format adts -f ssegment out', /neither matroska nor mpegts/],
  ['-i a -f ssegment out', /neither matroska nor mpegts/],
  ['-i http://127.0.0.1:32400/livetv/sessions/x/index.m3u8 -f dash dash', /live TV/],
  ['-i a -i RTSP://tuner/1 -f dash dash', /live TV/],
  ['-ss 5 -i a -i b -f dash dash', /different places/],
  ['-ss 00:05:00 -i a -f dash dash', /not a number/],
  ['-i a -f dash -skip_to_segment 1.5 dash', /not a number/],
])('%s: no', (line, reason) => {
  expect(problem(line.split(' '))).toMatch(reason);
});

test('a file with a scheme or a colon in its name is no network', () => {
  expect(problem('-i file:///a:b.mkv -f dash dash'.split(' '))).toBeNull();
  expect(problem('-i /tv/http://x.mkv -f dash dash'.split(' '))).toBeNull();
});

test('of an option that stands there twice the last counts, as for ffmpeg', () => {
  const argv = ['-f', 'mp4', '-f', 'dash', { base64: '/w==' }];
  const [output] = readCommand(argv).outputs;
  expect(lastValueOf(argv, output?.options ?? [], 'f')).toBe('dash');
  expect(lastValueOf(argv, output?.options ?? [], 'g')).toBeUndefined();
});
