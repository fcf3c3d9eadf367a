import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinMpd } from '../../../../pms/relay/announced/joinMpd.ts';
import { readMpd } from '../../../../pms/relay/announced/mpd.ts';
import { aRun, manifestOf, mutated, runFrom4, wholeRun } from './documents.ts';

function announced(text: string | null): unknown {
  return readMpd(text ?? '')?.representations.map(({ id, template: { entries } }) => ({ id, entries }));
}

function attribute(text: string | null, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(text ?? '')?.[1];
}

test("ffmpeg's second attempt goes on where the first one died", () => {
  const picture = '<S t="0" d="72072" r="4" />';
  const first = '<S t="0" d="143360" />';
  const sound = '<S d="144384" r="1" />';
  const indent = `\n${'\t'.repeat(6)}`;
  expect(joinMpd(wholeRun(1, 3), runFrom4(4, 5))).toBe(
    runFrom4(4, 5)
      .replaceAll('startNumber="4"', 'startNumber="1"')
      .replace('<S t="216216" d="72072" r="1" />', picture)
      // The sound is cut one packet earlier after the seek.
      .replace('<S t="430976"', `${first}${indent}${sound}${indent}<S t="430976"`),
  );
});

test('its last manifest tells the length of the whole', () => {
  const last = runFrom4(4, 14, 'static');
  expect(attribute(last, 'mediaPresentationDuration')).toBe('PT30.9S');
  const joined = joinMpd(wholeRun(1, 3), last);
  expect(attribute(joined, 'type')).toBe('static');
  expect(attribute(joined, 'mediaPresentationDuration')).toBe('PT40.0S');
  // One that has all segments itself knows best.
  const whole = wholeRun(1, 14, 'static');
  expect(joinMpd(wholeRun(1, 3), whole)).toBe(whole);
});

test('an attempt that goes on after one that had ended too soon', () => {
  const ended = wholeRun(1, 6, 'static');
  expect(joinMpd(ended, runFrom4(4, 6))).toBeNull();
  expect(attribute(joinMpd(ended, runFrom4(4, 7)), 'type')).toBe('dynamic');
});

test('a manifest that moves on over what was joined before', () => {
  const joined = joinMpd(joinMpd(wholeRun(1, 3), runFrom4(4, 8)) ?? '', runFrom4(7, 11));
  expect(announced(joined)).toEqual(announced(joinMpd(wholeRun(1, 3), runFrom4(4, 11))));
});

test("the presentation's clock stays, and what covers the earlier segments still does", () => {
  const began = (text: string, attributes: string): string =>
    text.replace(/maxSegmentDuration="[^"]*"/, attributes);
  const before = began(
    wholeRun(1, 3),
    'availabilityStartTime="2026-11-21T09:07:24.548Z" publishTime="2026-11-21T09:09:00.000Z" timeShiftBufferDepth="PT1M2.5S" maxSegmentDuration="PT3.0S"',
  );
  const next = began(
    runFrom4(4, 4),
    'availabilityStartTime="2026-11-21T09:09:33.100Z" publishTime="2026-11-21T09:08:59.000Z" timeShiftBufferDepth="PT3.0S" maxSegmentDuration="PT3.1S"',
  );
  const joined = joinMpd(before, next);
  expect(attribute(joined, 'availabilityStartTime')).toBe('2026-11-21T09:07:24.548Z');
  expect(attribute(joined, 'publishTime')).toBe('2026-11-21T09:09:00.000Z');
  expect(attribute(joined, 'timeShiftBufferDepth')).toBe('PT1M2.5S');
  expect(attribute(joined, 'maxSegmentDuration')).toBe('PT3.1S');
  const later = joinMpd(before, next.replace('09:08:59', '09:09:41'));
  expect(attribute(later, 'publishTime')).toBe('2026-11-21T09:09:41.000Z');
});

test('segments that both have are those of the later one when they begin together', () => {
  const joined = joinMpd(wholeRun(1, 5), runFrom4(4, 6));
  expect(announced(joined)).toEqual(announced(joinMpd(wholeRun(1, 3), runFrom4(4, 6))));
  const elsewhere = runFrom4(4, 6).replace('t="216216"', 't="220000"');
  expect(joinMpd(wholeRun(1, 5), elsewhere)).toBeNull();
});

test('a run from the start is not announced from before where the first one was', () => {
  const joined = joinMpd(wholeRun(3, 5), wholeRun(1, 8));
  expect(announced(joined)).toEqual(announced(wholeRun(3, 8)));
});

test('a second attempt that skipped something is let through, one that repeats is not', () => {
  const from = (seconds: number): string =>
    runFrom4(4, 5)
      .replace('t="216216"', `t="${Math.round(seconds * 24_000)}"`)
      .replace('t="430976"', `t="${Math.round(seconds * 48_000)}"`);
  expect(joinMpd(wholeRun(1, 3), from(10))).not.toBeNull();
  expect(joinMpd(wholeRun(1, 3), from(8.8))).not.toBeNull();
  expect(joinMpd(wholeRun(1, 3), from(8.5))).toBeNull();
});

test('one template for two representations, without a startNumber, with a namespace', () => {
  const text = (start: string, line: string): string =>
    `<d:MPD><d:Period><d:AdaptationSet><d:SegmentTemplate media="c$RepresentationID$-$Number$"${start} initialization="i$RepresentationID$"><d:SegmentTimeline>${line}</d:SegmentTimeline></d:SegmentTemplate><d:Representation id="a"/><d:Representation id="b"/></d:AdaptationSet></d:Period></d:MPD>`;
  expect(joinMpd(text('', '<d:S d="5"/>'), text(' startNumber="2"', '<d:S t="5" d="5"/>'))).toBe(
    text(' startNumber="1"', '<d:S t="0" d="5" r="1" />'),
  );
  // 0 and 1 are announced, the attempt counts from 1, which is not said.
  expect(joinMpd(text(' startNumber="0"', '<d:S d="5" r="1"/>'), text('', '<d:S t="5" d="5"/>'))).toBe(
    text('', '<d:S t="0" d="5" r="1" />').replace('<d:SegmentTemplate', '<d:SegmentTemplate startNumber="0"'),
  );
});

test('one template for two representations that had different segments before', () => {
  const own = (id: string, entry: string): string =>
    `<Representation id="${id}">${template(entry)}</Representation>`;
  const template = (entry: string, start = 1): string =>
    `<SegmentTemplate media="c$RepresentationID$-$Number$" startNumber="${start}" initialization="i"><SegmentTimeline>${entry}</SegmentTimeline></SegmentTemplate>`;
  const mpd = (set: string): string => `<MPD><Period><AdaptationSet>${set}</AdaptationSet></Period></MPD>`;
  const next = mpd(`${template('<S t="90" d="9"/>', 2)}<Representation id="a"/><Representation id="b"/>`);
  const before = (entry: string): string => mpd(own('a', '<S t="0" d="90"/>') + own('b', entry));
  expect(joinMpd(before('<S t="0" d="90"/>'), next)).not.toBeNull();
  expect(joinMpd(before('<S t="1" d="89"/>'), next)).toBeNull();
});

test.each([
  ['it has not caught up', wholeRun(1, 6), runFrom4(4, 5)],
  ['the sound has not caught up', wholeRun(1, 5), runFrom4(4, 5).replace(/<S t="430976" .*>/, '')],
  ['a number is left out', wholeRun(1, 2), runFrom4(4, 5)],
  [
    'a representation is gone',
    wholeRun(1, 3),
    runFrom4(4, 5).replace(/<AdaptationSet id="1"[\s\S]*?<\/Adap.*>/, ''),
  ],
  ['a representation is another', wholeRun(1, 3), runFrom4(4, 5).replace('tion id="1"', 'tion id="2"')],
  ['the timescale is another', wholeRun(1, 3), runFrom4(4, 5).replace('"24000"', '"12000"')],
  [
    'the times have another zero',
    wholeRun(1, 3),
    runFrom4(4, 5).replace('startNumber', 'presentationTimeOffset="5" startNumber'),
  ],
  ['the files have other names', wholeRun(1, 3), runFrom4(4, 5).replace('media="chunk', 'media="part')],
  ['the init file has another name', wholeRun(1, 3), runFrom4(4, 5).replace('"init', '"header')],
  ['the job has ended', wholeRun(1, 14, 'static'), wholeRun(1, 14)],
  ['the earlier one can not be read', 'nonsense', runFrom4(4, 5)],
  ['the later one can not be read', wholeRun(1, 3), 'nonsense'],
])('no join: %s', (_, before, next) => {
  expect(joinMpd(before, next)).toBeNull();
});

test('a run that is cut in two anywhere announces what the uninterrupted one does', () => {
  const cases = aRun.chain((run) => {
    const last = run.durations.length;
    return fc.record({
      run: fc.constant(run),
      cut: fc.integer({ min: 1, max: last - 1 }),
      repeated: fc.nat(3),
      window: fc.constantFrom(5, 1_000),
      type: fc.constantFrom('dynamic' as const, 'static' as const),
    });
  });
  fc.assert(
    fc.property(cases, ({ run, cut, repeated, window, type }) => {
      const last = run.durations.length;
      let passedOn = manifestOf(run, 0, cut);
      const from = Math.max(0, cut - repeated);
      for (let to = from + 1; to <= last; to++) {
        const next = manifestOf(run, Math.max(from, to - window), to, to === last ? type : 'dynamic');
        const joined = joinMpd(passedOn, next);
        expect(joined === null).toBe(to < cut);
        if (joined === null) continue;
        expect(announced(joined)).toEqual(announced(manifestOf(run, 0, to)));
        passedOn = joined;
      }
      // A third attempt, and the last manifest once more.
      expect(announced(joinMpd(passedOn, passedOn))).toEqual(announced(passedOn));
    }),
  );
});

test('changed text never throws, and loses nothing', () => {
  const documents = aRun.chain((run) =>
    fc
      .integer({ min: 1, max: run.durations.length - 1 })
      .chain((cut) =>
        fc.tuple(
          mutated(fc.constant(manifestOf(run, 0, cut))),
          mutated(fc.constant(manifestOf(run, cut, run.durations.length))),
        ),
      ),
  );
  fc.assert(
    fc.property(documents, ([before, next]) => {
      const joined = joinMpd(before, next);
      if (joined === null) return;
      const after = readMpd(joined)?.representations ?? [];
      for (const { id, template } of readMpd(before)?.representations ?? []) {
        const numbers = after.find((other) => other.id === id)?.template.entries.map(({ number }) => number);
        expect(numbers).toEqual(expect.arrayContaining(template.entries.map(({ number }) => number)));
      }
    }),
    { numRuns: 300 },
  );
});
