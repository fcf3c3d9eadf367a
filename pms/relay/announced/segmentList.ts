import { type Segment, seam } from './seam.ts';

/** A row of a segment list: `name,start,end`, or with an end each for sound and picture. */
export interface Row {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** False behind a `#`: the segment is still being written. */
  readonly isFinished: boolean;
  readonly text: string;
}

export interface NumberedRow extends Row, Segment {
  /** The name without its number. */
  readonly stem: string;
}

/** The last number before the extension, which may have digits, too. */
const NUMBERED = /^(.*?)(\d{1,15})(|\.[^.]*)$/;
const MAX_NAME = 255;

const SECONDS = /^-?\d{1,12}(\.\d{1,12})?$/;

/** More than what Matroska's milliseconds round away. */
const ROUNDING = 0.005;

/** Null when a row is not as it should be. */
export function readList(text: string): Row[] | null {
  const rows: Row[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const isFinished = !line.startsWith('#');
    const [name = '', ...times] = (isFinished ? line : line.slice(1)).trim().split(',');
    // A name in quotes has a comma or a quote in it; PMS asks for none like that.
    if (name === '' || name.includes('"')) return null;
    if (isFinished && (times.length < 2 || !times.every((time) => SECONDS.test(time)))) return null;
    // One that is still being written may not know its times yet.
    const [start = rows.at(-1)?.end ?? 0, end = start] = times.map((time) =>
      SECONDS.test(time) ? Number(time) : undefined,
    );
    rows.push({ name, start, end, isFinished, text: line });
  }
  return rows;
}

/** The file after one with a number in its name. */
export function nextName(name: string): string | null {
  const [, before = '', digits, extension = ''] = NUMBERED.exec(name) ?? [];
  if (digits === undefined) return null;
  return `${before}${String(Number(digits) + 1).padStart(digits.length, '0')}${extension}`;
}

/** Null unless each row's number follows the one before, and only the last one is unfinished, if any. */
export function readNumberedList(text: string): NumberedRow[] | null {
  const listed = readList(text);
  if (!listed) return null;
  const rows: NumberedRow[] = [];
  for (const row of listed) {
    const numbered = numberOf(row);
    const last = rows.at(-1);
    if (!numbered || (last && !follows(last, numbered))) return null;
    rows.push(numbered);
  }
  // With nothing left to make, the muxer lists a segment that ends before it begins.
  const last = rows.at(-1);
  if (last && last.end < last.start) rows.pop();
  return rows;
}

/**
 * A later attempt's list with the rows of `before` in front that it does not have.
 * `before` is what PMS accepted last, joined or not. Null while, or because, they can't be joined.
 */
export function joinList(before: string, next: string): string | null {
  const earlier = readNumberedList(before);
  const written = readNumberedList(next);
  if (!earlier || !written) return null;
  if (earlier[0] && written[0] && earlier[0].stem !== written[0].stem) return null;
  // What was still being written is written anew: it must be there, and may begin a little elsewhere.
  const finished = earlier.filter(({ isFinished }) => isFinished);
  const later = placed(written, finished);
  const isReached = ({ number }: Segment): boolean => later.some((row) => row.number === number);
  if (!earlier.slice(finished.length).every(isReached)) return null;
  const found = seam(finished, later);
  if (!found) return null;
  const { kept, from } = found;
  const isUndone = finished.slice(kept).some((_, index) => later[from + index]?.isFinished === false);
  if (isUndone) return null;
  if (kept === 0 && from === 0 && later === written) return next;
  return [...finished.slice(0, kept), ...later.slice(from)].map(({ text }) => `${text}\n`).join('');
}

/**
 * The muxer lets the first row of every run begin at 0, wherever in the film that is (ffmpeg's, and Plex's of 2018):
 * it begins where it did when it was announced, or where the last one ended.
 */
function placed(rows: readonly NumberedRow[], before: readonly NumberedRow[]): readonly NumberedRow[] {
  const [first, ...rest] = rows;
  const last = before.at(-1);
  if (first?.start !== 0 || !last) return rows;
  const known = before.find(({ number }) => number === first.number);
  const isNext = first.number === last.number + 1 && first.end > last.end + ROUNDING;
  const start = known?.start ?? (isNext ? last.end : 0);
  const text = first.text.replace(/,[^,]*/, `,${start.toFixed(6)}`);
  return start === 0 ? rows : [{ ...first, start, text }, ...rest];
}

function follows(last: NumberedRow, row: NumberedRow): boolean {
  return last.isFinished && last.stem === row.stem && last.number + 1 === row.number;
}

function numberOf(row: Row): NumberedRow | null {
  const match = row.name.length > MAX_NAME ? null : NUMBERED.exec(row.name);
  if (!match) return null;
  const [, before = '', digits, extension = ''] = match;
  return { ...row, number: Number(digits), stem: `${before}*${extension}` };
}
