import { expect, test } from 'vitest';
import { Announcements } from '../../../../pms/relay/announced/announcements.ts';
import { readMpd } from '../../../../pms/relay/announced/mpd.ts';
import { runFrom4, wholeRun } from './documents.ts';

const row = (number: number) => `media-0000${number}.ts,${number}.000000,${number + 1}.000000\n`;
const rows = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => row(first + index)).join('');

function accepting(document: string, videoCopied = false): Announcements {
  const announcements = new Announcements({ segmentSeconds: 1, videoCopied });
  announcements.accepted(document);
  return announcements;
}

test('the last document that PMS accepted says where a next attempt goes on', () => {
  expect(new Announcements({ segmentSeconds: 1, videoCopied: false }).resume).toBeNull();
  const announcements = accepting(rows(0, 1));
  announcements.accepted(rows(0, 2));
  announcements.accepted('');
  expect(announcements.resume).toEqual({ segment: 3, seconds: 3 });
  expect(announcements.newFiles(rows(0, 4))).toEqual([
    { name: 'media-00003.ts', next: 'media-00004.ts' },
    { name: 'media-00004.ts', next: 'media-00005.ts' },
  ]);
});

test('copied pictures are looked for a little behind their key frame', () => {
  expect(accepting(rows(0, 2), true).resume).toEqual({ segment: 3, seconds: 3.15 });
});

test('the documents of one attempt pass as they are', () => {
  expect(accepting(rows(0, 2)).join(rows(1, 3))).toEqual({ document: rows(1, 3), problem: null });
});

test('the documents of one attempt join as they are', () => {
  for (const [before, next] of [
    [wholeRun(1, 5), wholeRun(1, 6)],
    [wholeRun(1, 5), wholeRun(1, 14, 'static')],
    [rows(0, 2), rows(0, 3)],
  ] as const) {
    const announcements = accepting(before);
    announcements.attemptMayChange();
    expect(announcements.join(next)).toEqual({ document: next, problem: null });
  }
});

test('those of the next follow what PMS has, are kept back until they do, and never jump', () => {
  const announcements = accepting(rows(0, 2));
  announcements.attemptMayChange();
  expect(announcements.join(rows(3, 4))).toEqual({ document: rows(0, 4), problem: null });
  expect(announcements.join(rows(0, 1))).toEqual({ document: null, problem: null });
  expect(announcements.join(rows(6, 7))).toEqual({ document: null, problem: expect.any(String) });
});

test('a list of subtitles beside the manifest is continued by itself', () => {
  const subtitles = rows(0, 2).replaceAll('media-', 'sub-chunk-').replaceAll('.ts', '');
  const announcements = accepting(wholeRun(1, 5));
  announcements.accepted(subtitles);
  expect(announcements.newFiles(wholeRun(1, 5))).toEqual([]);
  announcements.attemptMayChange();
  expect(announcements.join(wholeRun(1, 3))).toEqual({ document: null, problem: null });
  expect(announcements.join('')).toEqual({ document: null, problem: null });
  expect(announcements.join(subtitles)).toEqual({ document: subtitles, problem: null });
  expect(announcements.join(wholeRun(1, 6))).toEqual({ document: wholeRun(1, 6), problem: null });
});

test('each of three attempts follows the one before', () => {
  const announcements = accepting(wholeRun(1, 5));
  announcements.attemptMayChange();
  // It found less than the first had announced, and died before it had caught up.
  expect(announcements.join(runFrom4(4, 4))).toEqual({ document: null, problem: null });
  announcements.attemptMayChange();
  expect(announcements.resume?.segment).toBe(6);
  const joined = announcements.join(runFrom4(4, 7))?.document ?? '';
  announcements.accepted(joined);
  announcements.attemptMayChange();
  expect(announcements.resume?.segment).toBe(8);
  const last = announcements.join(runFrom4(5, 14, 'static'))?.document ?? '';
  const entries = readMpd(last)?.representations.map(({ template }) => template.entries);
  for (const [index, listed] of (entries ?? []).entries()) {
    expect(listed.map(({ number }) => number)).toEqual(Array.from({ length: 14 }, (_, at) => at + 1));
    const before = readMpd(wholeRun(1, 3))?.representations[index]?.template.entries;
    expect(listed.slice(0, 3)).toEqual(before);
  }
  expect(entries).toHaveLength(2);
});

test('lists of three attempts, the second of which dies while it writes its first segment', () => {
  const announcements = accepting(`${rows(0, 2)}#${row(3)}`);
  announcements.attemptMayChange();
  expect(announcements.join(`#${row(3)}`.replace('3.000000,4', '0.000000,0'))).toEqual({
    document: null,
    problem: null,
  });
  announcements.attemptMayChange();
  const third = announcements.join(`${row(3).replace('3.000000', '0.000000')}#media-00004.ts,4.000000\n`);
  expect(third).toEqual({ document: `${rows(0, 3)}#media-00004.ts,4.000000\n`, problem: null });
});
