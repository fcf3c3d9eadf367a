import { expect, test } from 'vitest';
import { AcceptedCallbacks } from '../../../pms/relay/acceptedCallbacks.ts';

function mpd(startNumber: number, segments: string): string {
  const template = `<SegmentTemplate timescale="1000" startNumber="${startNumber}" media="c-$Number%05d$.m4s">`;
  return `<?xml version="1.0"?><MPD type="dynamic"><Period><AdaptationSet>${template}<SegmentTimeline>${segments}</SegmentTimeline></SegmentTemplate></AdaptationSet></Period></MPD>`;
}

test('progress and speed; a report without speed comes from a throttled transcoder', () => {
  const accepted = new AcceptedCallbacks();
  expect(accepted.callAccepted(new URLSearchParams('progress=12.5&speed=1.5'))).toBe(true);
  expect([accepted.progress, accepted.speed]).toEqual([12.5, 1.5]);
  accepted.callAccepted(new URLSearchParams('progress=13'));
  expect([accepted.progress, accepted.speed]).toEqual([13, null]);
  expect(accepted.callAccepted(new URLSearchParams('status=startup'))).toBe(false);
  expect(accepted.callAccepted(new URLSearchParams('progress=nonsense'))).toBe(false);
  expect(accepted.progress).toBe(13);
});

test('the first input’s duration, and why that could not be read on', () => {
  const accepted = new AcceptedCallbacks(['/film.mkv']);
  expect(accepted.duration).toBeNull();
  accepted.callAccepted(new URLSearchParams('duration=60.5'));
  accepted.callAccepted(new URLSearchParams('duration=3'));
  expect(accepted.duration).toBe(60.5);
  accepted.callAccepted(new URLSearchParams({ level: '0', message: '/film.mkv: Invalid data' }));
  expect(accepted.readError).toBeNull();
  expect(accepted.callAccepted(new URLSearchParams({ message: '/film.mkv: I/O error' }))).toBe(true);
  expect(accepted.readError).toBe('I/O error');
  accepted.attemptChanged();
  expect([accepted.readError, accepted.duration]).toEqual([null, 60.5]);
  const unknown = new AcceptedCallbacks();
  for (const duration of ['-1.000000', '60']) unknown.callAccepted(new URLSearchParams({ duration }));
  expect(unknown.duration).toBeNull();
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
