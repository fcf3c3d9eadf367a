import { isMpd, readMpd } from './mpd.ts';
import { readList } from './segmentList.ts';

/** Streams of one film end at different times, and its container says the longest. */
const TOLERANCE_S = 1;

/**
 * Whether it announces a whole film. That it is final is not enough: a transcoder that is told to end in the middle also
 * closes its manifest, and a list has no other end than its last row.
 *
 * @param duration of the film, in seconds, as the transcoder told PMS
 */
export function isComplete(document: string, duration: number): boolean {
  const end = isMpd(document) ? endOfMpd(document) : endOfList(document);
  return end !== null && end >= duration - TOLERANCE_S;
}

function endOfMpd(text: string): number | null {
  const mpd = readMpd(text);
  if (!mpd?.isStatic) return null;
  const ends = mpd.representations.map(({ template }) => {
    const last = template.entries.at(-1);
    return last ? (last.t + last.d) / template.timescale : 0;
  });
  return Math.max(...ends);
}

function endOfList(text: string): number | null {
  const last = readList(text)?.at(-1);
  return last?.isFinished ? last.end : null;
}
