import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileName, readMpd } from '../../../../pms/relay/announced/mpd.ts';
import { aRun, manifestOf, mutated, wholeRun } from './documents.ts';

function minimal(template: string, inside = ''): string {
  return `<MPD><Period><AdaptationSet>${template}<Representation id="a">${inside}</Representation></AdaptationSet></Period></MPD>`;
}

const NAMES = 'initialization="i" media="c$Number$"';

function entries(text: string): unknown {
  return readMpd(text)?.representations[0]?.template.entries.map(({ number, t, d }) => [number, t, d]);
}

test("ffmpeg's manifest", () => {
  const mpd = readMpd(wholeRun(1, 4));
  expect(mpd?.isStatic).toBe(false);
  expect(mpd?.representations.map(({ id, isVideo }) => [id, isVideo])).toEqual([
    ['0', true],
    ['1', false],
  ]);
  expect(mpd?.representations[1]?.template).toMatchObject({
    timescale: 48_000,
    initialization: 'init-stream$RepresentationID$.m4s',
    media: 'chunk-stream$RepresentationID$-$Number%05d$.m4s',
    startNumber: 1,
    entries: [
      { number: 1, t: 0, d: 143_360 },
      { number: 2, t: 143_360, d: 144_384 },
      { number: 3, t: 287_744, d: 144_384 },
      { number: 4, t: 432_128, d: 144_384 },
    ],
  });
  expect(readMpd(wholeRun(1, 14, 'static'))?.isStatic).toBe(true);
});

test('one template for a whole adaptation set, attributes in another order, namespaces, comments', () => {
  const text = `\uFEFF<?xml version='1.0'?>
    <!-- <MPD> --><d:MPD xmlns:d='urn:mpeg:dash:schema:mpd:2011' type='static'><d:Period>
    <d:AdaptationSet mimeType="video/mp4"><d:SegmentTemplate media='c-$RepresentationID$-$Number$' startNumber = "7"
      initialization="i-$RepresentationID$"><d:SegmentTimeline><d:S d="5" r="1" t="10"></d:S><!-- x --><d:S d='2'/>
      </d:SegmentTimeline></d:SegmentTemplate>
      <d:Representation id="hi"/><d:Representation id="lo"></d:Representation>
    </d:AdaptationSet></d:Period></d:MPD>`;
  const mpd = readMpd(text);
  expect(mpd?.representations.map(({ id }) => id)).toEqual(['hi', 'lo']);
  expect(mpd?.representations[0]?.isVideo).toBe(true);
  expect(mpd?.representations[0]?.template).toBe(mpd?.representations[1]?.template);
  expect(entries(text)).toEqual([
    [7, 10, 5],
    [8, 15, 5],
    [9, 20, 2],
  ]);
});

test('what is absent has the value that the standard gives it; an empty time line announces nothing', () => {
  const timeline = '<SegmentTimeline><S d="3"/></SegmentTimeline>';
  expect(entries(minimal(`<SegmentTemplate ${NAMES}>${timeline}</SegmentTemplate>`))).toEqual([[1, 0, 3]]);
  expect(entries(minimal(`<SegmentTemplate ${NAMES}><SegmentTimeline/></SegmentTemplate>`))).toEqual([]);
});

test.each([
  ['nothing', ''],
  ['a list', 'media-00000.ts,0.000000,1.000000\n'],
  ['another document', '<html></html>'],
  ['half of it', wholeRun(1, 4).slice(0, 900)],
  ['a tag that nothing opened', `${wholeRun(1, 4)}</MPD>`],
  ['a tag cut off behind it', `${wholeRun(1, 4)}<MPD`],
  ['two roots', `${wholeRun(1, 4)}<MPD/>`],
  ['tags that cross', '<MPD><Period></MPD></Period>'],
  ['a DOCTYPE', `<!DOCTYPE MPD [<!ENTITY a "b">]>${wholeRun(1, 4)}`],
  ['more repetitions than can be', wholeRun(1, 4).replace('r="3"', 'r="1000000000000000"')],
  ['repetitions up to the next time', wholeRun(1, 4).replace('r="3"', 'r="-1"')],
  ['a duration that is no number', wholeRun(1, 4).replace('d="72072"', 'd="1e3"')],
  ['a time beyond all numbers', wholeRun(1, 4).replace('t="0"', 't="9007199254740991"')],
  ['a timescale of 0', wholeRun(1, 4).replace('timescale="24000"', 'timescale="0"')],
  ['one id twice', wholeRun(1, 4).replace('Representation id="1"', 'Representation id="0"')],
  ['segments without a time line', minimal(`<SegmentTemplate ${NAMES} duration="5"/>`)],
  ['a name with a reference', wholeRun(1, 4).replace('media="chunk', 'media="a&amp;b')],
  ['a representation without segments', minimal('', '<BaseURL>a.mp4</BaseURL>')],
])('%s can not be read', (_, text) => {
  expect(readMpd(text)).toBeNull();
});

test('hostile text is refused in one pass', () => {
  const size = 4 * 1024 * 1024;
  const shared = `<SegmentTemplate ${NAMES}><SegmentTimeline><S d="1" r="499999"/></SegmentTimeline></SegmentTemplate>`;
  const began = performance.now();
  for (const piece of ['<!--', '<a ', '<a b="', ' b="x"', '<MPD>', `<a b="'`, '</a ', '<?']) {
    expect(readMpd(`<MPD${piece.repeat(size / piece.length)}`)).toBeNull();
  }
  expect(readMpd(minimal(shared, '</Representation><Representation id="b">'))).toBeNull();
  const ids = Array.from({ length: 50_000 }, (_, id) => `</Representation><Representation id="${id}">`);
  expect(
    readMpd(minimal(`<SegmentTemplate ${NAMES}><SegmentTimeline/></SegmentTemplate>`, ids.join(''))),
  ).toBeNull();
  // Quadratic work would take hours.
  expect(performance.now() - began).toBeLessThan(30_000);
});

test('file names', () => {
  expect(fileName('chunk-stream$RepresentationID$-$Number%05d$.m4s', '1', 42)).toBe(
    'chunk-stream1-00042.m4s',
  );
  expect(fileName('$Number$-$$', '1', 123_456)).toBe('123456-$');
  expect(fileName('$Number%05d$', '1', 123_456)).toBe('123456');
  expect(fileName('init-$Number$', '1', null)).toBeNull();
  expect(fileName('$Time$.m4s', '1', 1)).toBeNull();
  expect(fileName('$Number%08x$.m4s', '1', 1)).toBeNull();
});

test('changed text never throws', () => {
  fc.assert(
    fc.property(mutated(aRun.map((run) => manifestOf(run, 0, run.durations.length))), (text) => {
      readMpd(text);
    }),
  );
});
