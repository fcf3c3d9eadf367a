import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resumePoint } from '../../../../pms/relay/announced/resumePoint.ts';
import { aRun, manifestOf, mutated, wholeRun } from './documents.ts';

const ENCODED = { segmentSeconds: 3, videoCopied: false };
const COPIED = { segmentSeconds: 3, videoCopied: true };

test('after the last segment of a manifest', () => {
  expect(resumePoint(wholeRun(1, 3), ENCODED)).toEqual({ segment: 4, seconds: 9 });
  expect(resumePoint(wholeRun(7, 11), ENCODED)).toEqual({ segment: 12, seconds: 33 });
});

test('with copied video the time line says where that is, whatever the length that was asked for', () => {
  expect(resumePoint(wholeRun(1, 3), COPIED)).toEqual({ segment: 4, seconds: (3 * 72_072) / 24_000 });
  expect(resumePoint(wholeRun(1, 3), { ...COPIED, segmentSeconds: null })?.segment).toBe(4);
  const soundOnly = wholeRun(1, 3).replace(/<AdaptationSet id="0"[\s\S]*?<\/AdaptationSet>/, '');
  expect(resumePoint(soundOnly, COPIED)).toBeNull();
  expect(resumePoint(soundOnly, ENCODED)).toEqual({ segment: 4, seconds: 9 });
});

test('a segment counts when it is announced on every representation', () => {
  const behind = wholeRun(1, 3).replace('d="144384" r="1"', 'd="144384"');
  expect(resumePoint(behind, ENCODED)).toEqual({ segment: 3, seconds: 6 });
  expect(resumePoint(behind, COPIED)).toEqual({ segment: 3, seconds: (2 * 72_072) / 24_000 });
  const apart = wholeRun(1, 3).replace('startNumber="1"', 'startNumber="9"');
  expect(resumePoint(apart, ENCODED)).toBeNull();
});

test('after the last finished row of a list, which counts from 0', () => {
  const list =
    'media-00010.ts,30.000000,33.000000\nmedia-00011.ts,33.000000,36.120000\n#media-00012.ts,36.12,36.12\n';
  expect(resumePoint(list, ENCODED)).toEqual({ segment: 12, seconds: 36 });
  expect(resumePoint(list, COPIED)).toEqual({ segment: 12, seconds: 36.12 });
  // The key frame is named where the row of its segment is, and else the end of the last picture counts.
  expect(resumePoint(list.replace('36.12,36.12', '36.25'), COPIED)).toEqual({ segment: 12, seconds: 36.25 });
  expect(resumePoint(list.replace(',36.12,36.12', ''), COPIED)).toEqual({ segment: 12, seconds: 36.12 });
  expect(resumePoint(list.replace(/#.*/, ''), COPIED)).toEqual({ segment: 12, seconds: 36.12 });
});

test('at the last segment itself, when that was cut off and can be made anew', () => {
  const list = 'media-00010.ts,30.000000,33.000000\nmedia-00011.ts,33.000000,34.500000\n';
  expect(resumePoint(list, ENCODED)).toEqual({ segment: 11, seconds: 33 });
  expect(resumePoint(list, COPIED)).toEqual({ segment: 12, seconds: 34.5 });
  const cut = wholeRun(1, 3).replace(
    /<S t="0" d="72072" r="2" ?\/>/,
    '<S t="0" d="72072" r="1" /><S d="36000" />',
  );
  expect(resumePoint(cut, ENCODED)).toEqual({ segment: 3, seconds: 6 });
  // Two pictures of 24 a second are missing; of a whole one there may be one less.
  const ending = (end: string): string => list.replace('34.500000', end);
  expect(resumePoint(ending('35.916667'), ENCODED)).toEqual({ segment: 11, seconds: 33 });
  expect(resumePoint(ending('35.958333'), ENCODED)).toEqual({ segment: 12, seconds: 36 });
});

test('at the last segment itself, when the film ends with it: nothing would be left to make', () => {
  const list = 'media-00010.ts,30.000000,33.000000\nmedia-00011.ts,33.000000,36.000000\n';
  expect(resumePoint(list, ENCODED, 36.5)).toEqual({ segment: 11, seconds: 33 });
  expect(resumePoint(list, COPIED, 36.5)).toEqual({ segment: 11, seconds: 33 });
  expect(resumePoint(list, COPIED, 38)).toEqual({ segment: 12, seconds: 36 });
  const start = (2 * 72_072) / 24_000;
  expect(resumePoint(wholeRun(1, 3), COPIED, 9)).toEqual({ segment: 3, seconds: start });
});

test.each([
  ['nothing is announced', ''],
  ['nothing is finished', '#media-00000.ts,0.0,0.0\n'],
  ['it can not be read', '<MPD'],
  ['there is no representation', '<MPD/>'],
  ['a time line is empty', wholeRun(1, 3).replace(/<S t="0" d="72072".*>/, '')],
])('nowhere: %s', (_, document) => {
  expect(resumePoint(document, ENCODED)).toBeNull();
  expect(resumePoint(document, COPIED)).toBeNull();
});

test('nowhere: PMS did not say how long a segment is', () => {
  expect(resumePoint(wholeRun(1, 3), { segmentSeconds: null, videoCopied: false })).toBeNull();
  expect(resumePoint(wholeRun(1, 3), { segmentSeconds: 0, videoCopied: false })).toBeNull();
});

test('changed text never throws', () => {
  fc.assert(
    fc.property(mutated(aRun.map((run) => manifestOf(run, 0, run.durations.length))), (text) => {
      for (const output of [ENCODED, COPIED]) {
        const seconds = resumePoint(text, output)?.seconds ?? 0;
        expect(Number.isFinite(seconds)).toBe(true);
      }
    }),
  );
});
