/** A stock muxer's MPD, read only as far as its time lines go. */
export interface Mpd {
  readonly text: string;
  readonly timelines: readonly (readonly Entry[])[];
  readonly isFinal: boolean;
}

export interface Entry {
  readonly time: number;
  readonly duration: number;
}

export interface Excerpt {
  /** The number of the first segment of the run, as PMS counts. */
  readonly firstNumber: number;
  /** Entries [from, to) of each time line are listed. */
  readonly from: number;
  readonly to: number;
  readonly type: 'dynamic' | 'static';
}

const TIMELINE = /(startNumber=")\d+("[^>]*>\s*<SegmentTimeline>)([\s\S]*?)(<\/SegmentTimeline>)/g;

export function readMpd(text: string): Mpd {
  const timelines = Array.from(text.matchAll(TIMELINE), ([, , , entries = '']) => readEntries(entries));
  return { text, timelines, isFinal: text.includes('type="static"') };
}

/** The MPD as Plex's muxer would have written it: numbered from `-skip_to_segment`, at an earlier moment if asked to. */
export function excerpt(mpd: Mpd, { firstNumber, from, to, type }: Excerpt): string {
  let stream = 0;
  const listed = mpd.text.replaceAll(TIMELINE, (_, start: string, middle: string, __, end: string) => {
    const entries = mpd.timelines[stream++]?.slice(from, to) ?? [];
    return `${start}${firstNumber + from}${middle}\n${writeEntries(entries)}\t\t\t\t\t${end}`;
  });
  if (type === 'static' || !mpd.isFinal) return listed;
  return listed
    .replace('type="static"', 'type="dynamic"')
    .replace(/\s*mediaPresentationDuration="[^"]*"/, '');
}

function readEntries(text: string): Entry[] {
  const entries: Entry[] = [];
  let time = 0;
  for (const [element] of text.matchAll(/<S [^>]*>/g)) {
    const attribute = (name: string): number | null => {
      const value = new RegExp(` ${name}="(-?\\d+)"`).exec(element)?.[1];
      return value === undefined ? null : Number(value);
    };
    time = attribute('t') ?? time;
    const duration = attribute('d') ?? 0;
    for (let count = 0; count <= (attribute('r') ?? 0); count++) {
      entries.push({ time, duration });
      time += duration;
    }
  }
  return entries;
}

function writeEntries(entries: readonly Entry[]): string {
  let text = '';
  let expected: number | null = null;
  for (let index = 0; index < entries.length; ) {
    const first = entries[index];
    if (!first) break;
    let repeats = 0;
    let next = first.time + first.duration;
    for (; isAt(entries[index + repeats + 1], next, first.duration); repeats++) next += first.duration;
    const start = first.time === expected ? '' : `t="${first.time}" `;
    text += `\t\t\t\t\t\t<S ${start}d="${first.duration}"${repeats > 0 ? ` r="${repeats}"` : ''} />\n`;
    expected = next;
    index += repeats + 1;
  }
  return text;
}

function isAt(entry: Entry | undefined, time: number, duration: number): boolean {
  return entry?.time === time && entry.duration === duration;
}
