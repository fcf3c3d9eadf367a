import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinList, readList, readNumberedList } from '../../../../pms/relay/announced/segmentList.ts';
import { mutated } from './documents.ts';

/** Rows [from, to) as the transcoder writes them with `-segment_list_separate_stream_times`. */
function rows(from: number, to: number, length = 1, unfinished = false): string {
  const row = (number: number, end: number): string =>
    `media-${String(number).padStart(5, '0')}.ts,${[number * length, end, end].map((time) => time.toFixed(6)).join()}\n`;
  const finished = Array.from({ length: to - from }, (_, index) =>
    row(from + index, (from + index + 1) * length),
  );
  return finished.join('') + (unfinished ? `#${row(to, to * length)}` : '');
}

test('rows', () => {
  expect(
    readList('media-00003.ts,3.000000,4.000000,4.010000\r\n\n#media-00004.ts,4.000000,4.000000\n'),
  ).toMatchObject([
    { name: 'media-00003.ts', start: 3, end: 4, isFinished: true },
    { name: 'media-00004.ts', start: 4, end: 4, isFinished: false },
  ]);
  expect(readList('')).toEqual([]);
  const unfinished = { name: 'media-00004.ts', start: 4, end: 4, isFinished: false };
  for (const row of ['', ',', ',4.000000', ',4.000000,', ',nan,-inf', ',4.000000,4.000000,-1.000000']) {
    expect(readList(`media-00003.ts,3,4\n#media-00004.ts${row}`)?.at(-1)).toMatchObject(unfinished);
  }
  for (const row of [
    'media-00003.ts',
    'media-00003.ts,3',
    'a,b,c',
    ',1,2',
    '"a,b",1,2',
    'a,1e3,2',
    'a,1,2,',
  ]) {
    expect(readList(row)).toBeNull();
  }
});

test('an attempt with nothing left to make lists a segment that is none', () => {
  expect(joinList(rows(0, 3), 'media-00003.ts,3.000000,0.000000\n')).toBeNull();
  expect(joinList(rows(0, 3), `${rows(3, 4)}media-00004.ts,4.000000,0.000000\n`)).toBe(rows(0, 4));
});

test('the number in a name is the last one before the extension', () => {
  const numbers = (text: string): unknown =>
    readNumberedList(text)?.map(({ number, stem }) => [number, stem]);
  expect(numbers('sub-chunk-00012,0,1')).toEqual([[12, 'sub-chunk-*']]);
  expect(numbers('720p-00012.mp4,0,1')).toEqual([[12, '720p-*.mp4']]);
  expect(numbers('media-99999.ts,0,1\nmedia-100000.ts,1,2')).toEqual([
    [99_999, 'media-*.ts'],
    [100_000, 'media-*.ts'],
  ]);
  expect(numbers('header,0,1')).toBeUndefined();
  expect(numbers('media-00001.ts,0,1\nmedia-00003.ts,1,2')).toBeUndefined();
  expect(numbers('#media-00001.ts,0,1\nmedia-00002.ts,1,2')).toBeUndefined();
  expect(numbers('media-00001.ts,0,1\nother-00002.ts,1,2')).toBeUndefined();
});

test('a second attempt goes on where the first one died', () => {
  expect(joinList(rows(0, 5), rows(5, 7))).toBe(rows(0, 7));
  expect(joinList('', rows(0, 2))).toBe(rows(0, 2));
  expect(joinList(rows(3, 8), rows(0, 9))).toBe(rows(3, 9));
  const untouched = rows(0, 3).trimEnd();
  expect(joinList(rows(0, 2), untouched)).toBe(untouched);
});

test('what was still being written is now written by the second attempt', () => {
  expect(joinList(rows(0, 5, 1, true), rows(5, 6, 1, true))).toBe(rows(0, 6, 1, true));
  expect(joinList(rows(0, 5, 1, true), rows(5, 5, 1, true))).toBe(rows(0, 5, 1, true));
  expect(joinList(rows(0, 5, 1, true), rows(6, 7))).toBeNull();
  expect(joinList(rows(5, 5, 1, true), rows(6, 7))).toBeNull();
  // After a seek in copied video a segment may begin at another packet.
  const elsewhere = rows(5, 6).replace('5.000000', '5.130000');
  expect(joinList(rows(0, 5, 1, true), elsewhere)).toBe(rows(0, 5) + elsewhere);
  // It was announced: it does not disappear, or become unfinished again.
  expect(joinList(rows(0, 5, 1, true), rows(4, 5))).toBeNull();
  expect(joinList(rows(0, 5), rows(4, 4, 1, true))).toBeNull();
  expect(joinList(rows(0, 5), rows(0, 4, 1, true))).toBeNull();
});

test('the first row of every run begins at 0: it is placed where the last one ended', () => {
  // What ffmpeg 5.1 wrote with `-ss 6.15`, copied pictures and Plex's `-segment_list_separate_stream_times`.
  const run = 'media-00003.ts,0.000000,8.004000,8.004000\nmedia-00004.ts,8.005000,10.004000,10.004000\n';
  const before = rows(0, 3, 2, true);
  const joined = `${rows(0, 3, 2)}${run.replace('0.000000', '6.000000')}`;
  expect(joinList(before, run)).toBe(joined);
  const first = joinList(before, run.slice(0, run.indexOf('\n') + 1)) ?? '';
  expect(joinList(first, run)).toBe(joined);
  expect(joinList(joined, `${run}#media-00005.ts,10.005000,10.005000\n`)).toContain(joined);
  expect(joinList(first, `#${run.slice(0, run.indexOf('\n'))}`)).toBeNull();
  // It found the key frame before, and repeats the last segment.
  expect(joinList(before, 'media-00003.ts,0.000000,6.004000\n')).toBeNull();
  // The first of the film.
  expect(joinList(rows(0, 1), rows(0, 2))).toBe(rows(0, 2));
});

test('subtitles may last longer than their segment', () => {
  const before = 'sub-chunk-00000,0.5,9.0\n';
  expect(joinList(before, 'sub-chunk-00001,1.2,2.0\n')).toBe(`${before}sub-chunk-00001,1.2,2.0\n`);
});

test.each([
  ['it has not caught up', rows(0, 5), rows(3, 4)],
  ['it has nothing', rows(0, 5), ''],
  ['a number is left out', rows(0, 5), rows(6, 7)],
  ['the files have other names', rows(0, 5), rows(5, 6).replaceAll('media', 'part')],
  ['it was cut elsewhere', rows(0, 5), rows(4, 6, 1.1)],
  ['it begins at 0 again', rows(0, 5), rows(0, 1).replace('00000', '00005')],
  ['the earlier one can not be read', 'nonsense', rows(5, 6)],
  ['the later one can not be read', rows(0, 5), 'nonsense'],
])('no join: %s', (_, before, next) => {
  expect(joinList(before, next)).toBeNull();
});

test('a run that is cut in two anywhere announces what the uninterrupted one does', () => {
  const cases = fc.record({
    first: fc.integer({ min: 0, max: 99_990 }),
    length: fc.constantFrom(0.5, 1, 10),
    count: fc.integer({ min: 2, max: 30 }),
    cut: fc.nat(),
    repeated: fc.nat(3),
    window: fc.constantFrom(5, 1_000),
    unfinished: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ first, length, count, cut, repeated, window, unfinished }) => {
      const last = first + count;
      const died = first + 1 + (cut % (count - 1));
      const from = Math.max(first, died - repeated);
      let passedOn = rows(first, died, length);
      for (let to = from + 1; to <= last; to++) {
        const isUnfinished = unfinished && to < last;
        const joined = joinList(passedOn, rows(Math.max(from, to - window), to, length, isUnfinished));
        expect(joined === null).toBe(to < died);
        if (joined === null) continue;
        expect(joined).toBe(rows(first, to, length, isUnfinished));
        passedOn = joined;
      }
    }),
  );
});

test('changed text never throws, and loses no finished row', () => {
  const documents = fc
    .integer({ min: 1, max: 19 })
    .chain((cut) =>
      fc.tuple(mutated(fc.constant(rows(0, cut, 1, true))), mutated(fc.constant(rows(cut, 20, 1, true)))),
    );
  fc.assert(
    fc.property(documents, ([before, next]) => {
      const joined = joinList(before, next);
      const finished = (text: string): number[] =>
        (readNumberedList(text) ?? []).filter(({ isFinished }) => isFinished).map(({ number }) => number);
      if (joined !== null) expect(finished(joined)).toEqual(expect.arrayContaining(finished(before)));
    }),
    { numRuns: 500 },
  );
});
