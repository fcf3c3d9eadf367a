import { expect, test } from 'vitest';
import { AcceptedCallbacks } from '../../../pms/relay/acceptedCallbacks.ts';

function mpd(startNumber: number, segments: string): string {
  const template = `<SegmentTemplate timescale="1000" startNumber="${startNumber}" media="c-$Number%05d$.m4s">`;
  return `<?xml version="1.0"?><MPD type="dynamic"><Period><AdaptationSet>${template}<SegmentTimeline>${segments}</SegmentTimeline></SegmentTemplate></AdaptationSet></Period></MPD>`;
}

test('progress and speed; a report without speed comes from a throttled transcoder', () => {
  const accepted = new AcceptedCallbacks();
  expect(accepted.progressAccepted(new URLSearchParams('progress=12.5&speed=1.5'))).toBe(true);
  expect([accepted.progress, accepted.speed]).toEqual([12.5, 1.5]);
  accepted.progressAccepted(new URLSearchParams('progress=13'));
  expect([accepted.progress, accepted.speed]).toEqual([13, null]);
  expect(accepted.progressAccepted(new URLSearchParams('duration=60'))).toBe(false);
  expect(accepted.progressAccepted(new URLSearchParams('progress=nonsense'))).toBe(false);
  expect(accepted.progress).toBe(13);
});

test('segments of an MPD are counted from the first number of the attempt', () => {
  const accepted = new AcceptedCallbacks();
  expect(accepted.documentAccepted(mpd(41, '<S t="0" d="3" />'))).toBe(true);
  expect(accepted.announced).toBe(1);
  accepted.documentAccepted(mpd(41, '<S t="0" d="3" r="3"/><S d="2"/>'));
  expect(accepted.announced).toBe(5);
  // The window has moved on: segments 44 to 46 of 41 to 46.
  accepted.documentAccepted(mpd(44, '<S d="3" r="2"/>'));
  expect(accepted.announced).toBe(6);
});

test.each([
  ['repetitions', 1, `<S d="3" r="${'9'.repeat(400)}"/>`],
  ['repetitions that no number holds exactly', 1, `<S d="3" r="${2 ** 53}"/>`],
  ['a first number', 2 ** 60, '<S d="3"/>'],
])('%s beyond all reason count nothing, and spoil nothing', (_what, start, segments) => {
  const accepted = new AcceptedCallbacks();
  expect(accepted.documentAccepted(mpd(start, segments))).toBe(false);
  expect(accepted.announced).toBe(0);
  accepted.documentAccepted(mpd(41, '<S d="3" r="1"/>'));
  expect(accepted.announced).toBe(2);
});

test('rows of a list are counted, but not the one that is still being written', () => {
  const accepted = new AcceptedCallbacks();
  accepted.documentAccepted('media-00000.ts,0,1\nmedia-00001.ts,1,2\n#media-00002.ts,2,\n');
  expect(accepted.announced).toBe(2);
  expect(accepted.documentAccepted('media-00000.ts,0,1\nmedia-00001.ts,1,2\n')).toBe(false);
});
