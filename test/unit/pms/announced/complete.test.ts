import { expect, test } from 'vitest';
import { isComplete } from '../../../../pms/relay/announced/complete.ts';

function mpd(type: string, entries: string): string {
  const template = `<SegmentTemplate timescale="1000" startNumber="1" initialization="i" media="c-$Number$.m4s">`;
  const set = `<AdaptationSet><Representation id="0">${template}<SegmentTimeline>${entries}</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>`;
  return `<MPD type="${type}"><Period>${set}</Period></MPD>`;
}

const ALL = '<S t="0" d="3000" r="3"/>';
const rows = 'm-00000.ts,0,6\nm-00001.ts,6,12\n';

test.each([
  ['a static manifest up to the end', mpd('static', ALL), 12, true],
  ['where sound ends a little later', mpd('static', ALL), 12.9, true],
  ['one that is still written', mpd('dynamic', ALL), 12, false],
  ['one of a transcoder that was told to end in the middle', mpd('static', ALL), 3_600, false],
  ['one without segments', mpd('static', ''), 12, false],
  ['no manifest', '<MPD', 12, false],
  ['a list up to the end', rows, 12, true],
  ['a list that goes on', rows, 18, false],
  ['a list whose last row is still written', `${rows}#m-00002.ts,12,18\n`, 18, false],
  ['an empty list', '', 12, false],
])('%s', (_what, document, duration, expected) => {
  expect(isComplete(document, duration)).toBe(expected);
});
