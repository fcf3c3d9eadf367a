import { isMpd, readMpd } from './mpd.ts';
import { readNumberedList } from './segmentList.ts';

export interface ResumePoint {
  /** The first segment that a later attempt has to make. */
  readonly segment: number;
  /**
   * Where it begins, on the input's clock. Not yet what `-ss` must say for copied video: where frames are reordered
   * ffmpeg looks for the key frame at 3/23 s before `-ss`, and Matroska's times are rounded to milliseconds.
   */
  readonly seconds: number;
}

export interface ResumedOutput {
  /** What PMS asked for; null when it did not say. */
  readonly segmentSeconds: number | null;
  readonly videoCopied: boolean;
}

/**
 * Segments begin with the first picture at or after their time, so that a whole one may be a picture shorter than PMS asked
 * for (1/24 s). One that is shorter still was cut off, by the end of the film or of its attempt. To take a whole one of a
 * slower film for one costs a segment made twice; to take what was cut off for whole costs the viewer pictures.
 */
const PICTURE_S = 0.05;

/** Nearer to the end of the film than this there may be nothing left to make a segment of. */
const TAIL_S = 1;

/**
 * After what the last manifest or list that PMS accepted announces; null when nothing does, or it can't be told. A last
 * segment that was cut off, or that ends with the film, is made anew: the muxer has to write something that fits.
 *
 * @param duration of the input, in seconds
 */
export function resumePoint(
  document: string,
  output: ResumedOutput,
  duration: number | null = null,
): ResumePoint | null {
  const announced = announcedBy(document);
  if (!announced) return null;
  const { number, segmentsBefore, start, end } = announced;
  const { segmentSeconds, videoCopied } = output;
  // Copied video is cut at key frames, wherever they are: only the document says where. Nothing is taken off, as that
  // would be before the key frame: the seek would find the one before, and repeat a segment.
  const length = segmentSeconds !== null && segmentSeconds > 0 ? segmentSeconds : null;
  const made = start === null || end === null ? null : end - start;
  const isCut = !videoCopied && length !== null && made !== null && made < length - PICTURE_S;
  const isLast = end !== null && duration !== null && end > duration - TAIL_S;
  const redone = isCut || isLast ? 1 : 0;
  const begins = redone ? start : end;
  const seconds = videoCopied ? begins : length === null ? null : (segmentsBefore - redone) * length;
  if (seconds === null || !Number.isFinite(seconds)) return null;
  return { segment: number + 1 - redone, seconds };
}

/** The number of the last segment that it announces on every stream; null when it announces none. */
export function lastAnnounced(document: string): number | null {
  return announcedBy(document)?.number ?? null;
}

function announcedBy(document: string): Announced | null {
  return isMpd(document) ? announcedByMpd(document) : announcedByList(document);
}

interface Announced {
  /** The last segment. */
  readonly number: number;
  /** How many come before the next one, from the start of the input. */
  readonly segmentsBefore: number;
  /** Of the picture in the last segment, in seconds. */
  readonly start: number | null;
  readonly end: number | null;
}

/** DASH counts from 1. */
function announcedByMpd(text: string): Announced | null {
  const representations = readMpd(text)?.representations ?? [];
  const number = Math.min(...representations.map(({ template }) => template.entries.at(-1)?.number ?? -1));
  const isOnAll = representations.every(({ template }) => template.startNumber <= number);
  if (representations.length === 0 || number < 0 || !isOnAll) return null;
  const template = representations.find(({ isVideo }) => isVideo)?.template;
  const entry = template?.entries[number - template.startNumber];
  if (!template || !entry) return { number, segmentsBefore: number, start: null, end: null };
  const [start, end] = [entry.t / template.timescale, (entry.t + entry.d) / template.timescale];
  return { number, segmentsBefore: number, start, end };
}

/** Lists count from 0. */
function announcedByList(text: string): Announced | null {
  const rows = readNumberedList(text) ?? [];
  const last = rows.findLast(({ isFinished }) => isFinished);
  if (!last) return null;
  const { number, start } = last;
  // Pictures that are shown before the next key frame can follow it in the file: then the end is before it.
  const next = rows.at(-1);
  const end = next && !next.isFinished ? Math.max(next.start, last.end) : last.end;
  return { number, segmentsBefore: number + 1, start, end };
}
