import type { Resume } from '#shared/job.ts';
import { announcedFiles } from './files.ts';
import { joinMpd } from './joinMpd.ts';
import { lastAnnounced, type ResumedOutput, resumePoint } from './resumePoint.ts';
import { joinList } from './segmentList.ts';

/**
 * Where frames are reordered ffmpeg looks for the key frame 3/23 s before `-ss`, and Matroska's times are rounded to
 * milliseconds: asked for the key frame's own time it finds the one before it, and repeats a segment (measured).
 */
const COPIED_SEEK_MARGIN_S = 0.15;

/** The manifests or lists of one job, of all its attempts, as PMS is to see them: one that only grows. */
export class Announcements {
  /** Null for a job of which no attempt can go on where another stopped. */
  readonly #output: ResumedOutput | null;
  /** What PMS accepted last. */
  #passed: string | null = null;
  #resume: Resume | null = null;
  #isJoined = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(output: ResumedOutput | null) {
    this.#output = output;
  }

  /** Where a next attempt would go on. */
  get resume(): Resume | null {
    return this.#resume;
  }

  /** From now on somebody else writes them. */
  attemptChanged(): void {
    this.#isJoined = this.#passed !== null;
  }

  /** One after the other, in the order in which they came. */
  inTurn(call: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(call);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** What PMS is to be told; null when it knows more already, and the new attempt has yet to catch up. */
  join(document: string): { document: string; problem: string | null } | null {
    const passed = this.#passed;
    if (!this.#isJoined || passed === null) return { document, problem: null };
    const joined = document.includes('<MPD') ? joinMpd(passed, document) : joinList(passed, document);
    if (joined !== null) return { document: joined, problem: null };
    const [before, now] = [lastAnnounced(passed), lastAnnounced(document)];
    if (before === null || now === null || now <= before) return null;
    return { document, problem: 'the new attempt’s manifest does not fit to the one before' };
  }

  /** Files that PMS will look for when it is told this, and was not told of before. */
  newFiles(document: string): string[] {
    const known = new Set(this.#passed === null ? [] : announcedFiles(this.#passed));
    return announcedFiles(document).filter((file) => !known.has(file));
  }

  accepted(document: string): void {
    this.#passed = document;
    const point = this.#output && resumePoint(document, this.#output);
    const margin = this.#output?.videoCopied ? COPIED_SEEK_MARGIN_S : 0;
    this.#resume = point && { segment: point.segment, seconds: point.seconds + margin };
  }
}
