import { attributeOf, childrenOf, type Element, readXml } from './xml.ts';

/** What a DASH manifest announces. */
export interface Mpd {
  readonly root: Element;
  /** The last one of a job. */
  readonly isStatic: boolean;
  readonly representations: readonly Representation[];
}

export interface Representation {
  readonly id: string;
  readonly isVideo: boolean;
  /** One object for all representations that share it. */
  readonly template: Template;
}

export interface Template {
  readonly element: Element;
  readonly timeline: Element;
  /** Ticks of a second. */
  readonly timescale: number;
  readonly presentationTimeOffset: number;
  /** With `$RepresentationID$` and `$Number%05d$`. */
  readonly initialization: string;
  readonly media: string;
  readonly startNumber: number;
  readonly entries: readonly Entry[];
}

/** A segment: number, start and duration in ticks. */
export interface Entry {
  readonly number: number;
  readonly t: number;
  readonly d: number;
}

/** Almost three days of picture and sound in segments of a second; an `r` can name any number. */
const MAX_ENTRIES = 500_000;
const MAX_REPRESENTATIONS = 64;
/** No file's name is longer. */
const MAX_NAME = 255;

const IDENTIFIER = /\$([A-Za-z]*)(?:%0(\d{1,2})d)?\$/g;

export function isMpd(document: string): boolean {
  return document.trimStart().startsWith('<');
}

/** Null when it is not one whose segments are numbered and listed in time lines. */
export function readMpd(text: string): Mpd | null {
  const root = readXml(text);
  if (root?.name !== 'MPD') return null;
  const templates = new Map<Element, Template>();
  const representations = new Map<string, Representation>();
  let left = MAX_ENTRIES;
  for (const period of childrenOf(root, 'Period')) {
    for (const set of childrenOf(period, 'AdaptationSet')) {
      for (const representation of childrenOf(set, 'Representation')) {
        const element = templateOf(representation) ?? templateOf(set) ?? templateOf(period);
        const id = plain(representation, 'id');
        if (!element || id === null || representations.has(id)) return null;
        const template = templates.get(element) ?? readTemplate(element, left);
        left -= template?.entries.length ?? 0;
        if (!template || left < 0 || representations.size === MAX_REPRESENTATIONS) return null;
        templates.set(element, template);
        const isVideo = [set, representation].some(
          (level) =>
            attributeOf(level, 'contentType') === 'video' ||
            attributeOf(level, 'mimeType')?.startsWith('video/'),
        );
        representations.set(id, { id, isVideo, template });
      }
    }
  }
  const isStatic = (attributeOf(root, 'type') ?? 'static') === 'static';
  return { root, isStatic, representations: [...representations.values()] };
}

/** Null when the pattern has another identifier than these, or makes no name. */
export function fileName(pattern: string, id: string, number: number | null): string | null {
  if (pattern.replaceAll(IDENTIFIER, '').includes('$')) return null;
  let isKnown = true;
  const name = pattern.replaceAll(IDENTIFIER, (_, identifier: string, width?: string) => {
    if (identifier === '') return '$';
    if (identifier === 'RepresentationID') return id;
    if (identifier === 'Number' && number !== null) return String(number).padStart(Number(width ?? 1), '0');
    isKnown = false;
    return '';
  });
  return isKnown && name.length <= MAX_NAME ? name : null;
}

function templateOf(element: Element): Element | undefined {
  return childrenOf(element, 'SegmentTemplate')[0];
}

function readTemplate(element: Element, maxEntries: number): Template | null {
  const [timeline] = childrenOf(element, 'SegmentTimeline');
  const timescale = integer(element, 'timescale', 1);
  const presentationTimeOffset = integer(element, 'presentationTimeOffset', 0);
  const startNumber = integer(element, 'startNumber', 1);
  const initialization = plain(element, 'initialization');
  const media = plain(element, 'media');
  if (!timeline || initialization === null || media === null) return null;
  if (timescale === null || timescale < 1 || presentationTimeOffset === null) return null;
  if (startNumber === null || startNumber < 0) return null;
  const entries = readEntries(timeline, startNumber, maxEntries);
  if (!entries) return null;
  return {
    element,
    timeline,
    timescale,
    presentationTimeOffset,
    initialization,
    media,
    startNumber,
    entries,
  };
}

function readEntries(timeline: Element, startNumber: number, maxEntries: number): Entry[] | null {
  const entries: Entry[] = [];
  let time = 0;
  for (const element of childrenOf(timeline, 'S')) {
    const t = integer(element, 't', time);
    const d = integer(element, 'd', null);
    const r = integer(element, 'r', 0);
    // A negative `r` repeats up to an end that is named elsewhere.
    if (t === null || d === null || r === null || d < 0 || r < 0) return null;
    if (entries.length + r + 1 > maxEntries) return null;
    time = t;
    for (let count = 0; count <= r; count++) {
      entries.push({ number: startNumber + entries.length, t: time, d });
      time += d;
    }
    if (!Number.isSafeInteger(time) || !Number.isSafeInteger(startNumber + entries.length)) return null;
  }
  return entries;
}

function integer(element: Element, attribute: string, absent: number | null): number | null {
  const value = attributeOf(element, attribute);
  if (value === null) return absent;
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}

/** A value that means what is written: a reference such as &amp; would make a name that no file has. */
function plain(element: Element, attribute: string): string | null {
  const value = attributeOf(element, attribute);
  return value === null || value.includes('&') || value.length > MAX_NAME ? null : value;
}
