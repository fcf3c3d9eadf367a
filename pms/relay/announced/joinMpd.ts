import { type Entry, type Mpd, readMpd, type Template } from './mpd.ts';
import { type Seam, type Segment, seam } from './seam.ts';
import { type Edit, edited } from './xml.ts';

/**
 * Seconds by which a later attempt may begin before the end of what is announced: sound is cut at another packet, and
 * after a seek the reorder delay of Matroska is guessed anew (0.13 s were measured). More would be repeated content.
 * A jump forward is let through: players jump it, too.
 */
const MAX_REPEATED = 0.25;

/** The longer one counts: both cover what was announced before, too. */
const DURATIONS = ['maxSegmentDuration', 'timeShiftBufferDepth'];

const DURATION = /^PT(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?$/;

/**
 * A later attempt's manifest as if there had been one attempt: its text with the segments of `before` in front.
 * `before` is what PMS accepted last, joined or not. Null while, or because, they can't be joined: then PMS keeps that.
 */
export function joinMpd(before: string, next: string): string | null {
  const earlier = readMpd(before);
  const later = readMpd(next);
  if (!earlier || !later) return null;
  // Static again as soon as it has caught up; with more to tell, the earlier attempt had ended too soon.
  if (earlier.isStatic && !later.isStatic && lastNumber(later) <= lastNumber(earlier)) return null;
  if (earlier.representations.length !== later.representations.length) return null;
  const joined = new Map<Template, readonly Entry[]>();
  for (const { id, template } of later.representations) {
    const old = earlier.representations.find((representation) => representation.id === id)?.template;
    const entries = old && joinEntries(old, template);
    if (!entries || differ(joined.get(template), entries)) return null;
    joined.set(template, entries);
  }
  const edits = [...joined].flatMap(([template, entries]) => timelineEdits(next, template, entries));
  return edited(next, [...edits, ...rootEdits(earlier, later, joined)]);
}

/** That all streams have. */
function lastNumber({ representations }: Mpd): number {
  return Math.min(...representations.map(({ template }) => template.entries.at(-1)?.number ?? -1));
}

function joinEntries(old: Template, template: Template): readonly Entry[] | null {
  const isSame =
    old.timescale === template.timescale &&
    old.presentationTimeOffset === template.presentationTimeOffset &&
    old.initialization === template.initialization &&
    old.media === template.media;
  if (!isSame) return null;
  const before = segments(old);
  const next = segments(template);
  const found = seam(before, next);
  if (!found || repeats(before, next, found)) return null;
  if (found.kept === 0 && found.from === 0) return template.entries;
  return [...old.entries.slice(0, found.kept), ...template.entries.slice(found.from)];
}

function segments({ entries, timescale }: Template): Segment[] {
  return entries.map(({ number, t, d }) => ({ number, start: t / timescale, end: (t + d) / timescale }));
}

function repeats(before: readonly Segment[], next: readonly Segment[], { kept, from }: Seam): boolean {
  const last = before[kept - 1];
  const first = next[from];
  return last !== undefined && first !== undefined && first.start < last.end - MAX_REPEATED;
}

/** Two representations that share a template must have had the same segments before, too. */
function differ(one: readonly Entry[] | undefined, other: readonly Entry[]): boolean {
  return one !== undefined && one !== other && JSON.stringify(one) !== JSON.stringify(other);
}

function timelineEdits(text: string, template: Template, entries: readonly Entry[]): Edit[] {
  const [first] = entries;
  if (entries === template.entries || !first) return [];
  const { element, timeline } = template;
  const number = element.attributes.get('startNumber');
  const inner = text.slice(timeline.content.from, timeline.content.to);
  const indent = inner.slice(0, inner.length - inner.trimStart().length);
  const tail = inner.slice(inner.trimEnd().length);
  return [
    number
      ? { from: number.from, to: number.to, text: String(first.number) }
      : { from: element.nameEnd, to: element.nameEnd, text: ` startNumber="${first.number}"` },
    { ...timeline.content, text: writeEntries(entries, `${indent}<${timeline.prefix}S `) + tail },
  ];
}

function writeEntries(entries: readonly Entry[], opening: string): string {
  const lines: string[] = [];
  let expected: number | null = null;
  for (let index = 0; index < entries.length; ) {
    const first = entries[index];
    if (!first) break;
    const { t, d } = first;
    let repeated = 0;
    for (; ; repeated++) {
      const following = entries[index + repeated + 1];
      if (following?.d !== d || following.t !== t + (repeated + 1) * d) break;
    }
    const start = t === expected ? '' : `t="${t}" `;
    lines.push(`${opening}${start}d="${d}"${repeated > 0 ? ` r="${repeated}"` : ''} />`);
    expected = t + (repeated + 1) * d;
    index += repeated + 1;
  }
  return lines.join('');
}

/** What a later attempt begins anew and PMS was told differently. */
function rootEdits(earlier: Mpd, later: Mpd, joined: ReadonlyMap<Template, readonly Entry[]>): Edit[] {
  const edits: Edit[] = [];
  const change = (name: string, choose: (old: string | null, current: string) => string | null): void => {
    const attribute = later.root.attributes.get(name);
    const value = attribute && choose(earlier.root.attributes.get(name)?.value ?? null, attribute.value);
    if (attribute && value) edits.push({ from: attribute.from, to: attribute.to, text: value });
  };
  // The zero of the presentation's clock, which must stay.
  change('availabilityStartTime', (old) => old);
  // Another machine's clock may be behind.
  change('publishTime', (old, current) =>
    old !== null && Date.parse(old) > Date.parse(current) ? old : current,
  );
  for (const name of DURATIONS) {
    change(name, (old, current) => (secondsOf(old) > secondsOf(current) ? old : current));
  }
  // The muxer counts from the attempt's own first packet.
  const length = Math.max(...[...joined].map(([template, entries]) => lengthOf(template, entries)));
  change('mediaPresentationDuration', (_, current) => {
    const isPrefixed = [...joined].some(([template, entries]) => entries !== template.entries);
    return isPrefixed && length > secondsOf(current) ? `PT${length.toFixed(1)}S` : current;
  });
  return edits;
}

/** Down to tenths, as the muxer writes it. */
function lengthOf({ timescale }: Template, entries: readonly Entry[]): number {
  const [first] = entries;
  const last = entries.at(-1);
  return first && last ? Math.floor(((last.t + last.d - first.t) * 10) / timescale) / 10 : 0;
}

function secondsOf(duration: string | null): number {
  const [, hours = 0, minutes = 0, seconds = 0] = DURATION.exec(duration ?? '') ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
