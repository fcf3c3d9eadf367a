import { expect, test } from 'vitest';
import { Announcements } from '../../../../pms/relay/announced/announcements.ts';

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

test('those of the next follow what PMS has, are kept back until they do, and jump only with a warning', () => {
  const announcements = accepting(rows(0, 2));
  announcements.attemptChanged();
  expect(announcements.join(rows(3, 4))).toEqual({ document: rows(0, 4), problem: null });
  expect(announcements.join(rows(0, 1))).toBeNull();
  expect(announcements.join(rows(6, 7))).toEqual({ document: rows(6, 7), problem: expect.any(String) });
});
