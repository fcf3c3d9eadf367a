import type { Resume } from '#shared/job.ts';
import type { Accepted } from '../records.ts';
import { type AnnouncedFile, announcedFiles } from './files.ts';
import { joinMpd } from './joinMpd.ts';
import { isMpd } from './mpd.ts';
import { lastAnnounced, type ResumedOutput, resumePoint } from './resumePoint.ts';
import { joinList, readNumberedList } from './segmentList.ts';

/**
 * Where frames are reordered ffmpeg looks for the key frame 3/23 s before `-ss`, and Matroska's times are rounded to
 * milliseconds: asked for the key frame's own time it finds the one before it, and repeats a segment (measured).
 */
const COPIED_SEEK_MARGIN_S = 0.15;

const KEPT = { document: null, problem: null };

/** The manifests and lists of one job, of all its attempts, as PMS is to see them: each only grows. */
export class Announcements {
  /** Null for a job of which no attempt can go on where another stopped. */
  readonly #output: ResumedOutput | null;
  /** Subtitles in segments have a list beside the manifest. */
  readonly #passed = new Map<string, string>();
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

  /** What PMS accepted last, of each series. */
  get passed(): string[] {
    return [...this.#passed.values()];
  }

  /** Whether what comes is joined to what was passed. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  /** What an earlier relay has passed. */
  restore({ documents, duration }: Pick<Accepted, 'documents' | 'duration'>): void {
    for (const document of documents) this.accepted(document, duration);
    this.attemptMayChange();
  }

  /**
   * From now on another attempt may write them: it does, or we would not hear of it before it calls. What the same one
   * goes on with joins as it is.
   */
  attemptMayChange(): void {
    this.#isJoined = true;
  }

  /** One after the other, in the order in which they came. */
  inTurn(call: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(call);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** What PMS is to be told; null while it knows more already, and when it would see a jump, which is a problem. */
  join(document: string): { document: string | null; problem: string | null } {
    if (!this.#isJoined) return { document, problem: null };
    const series = seriesOf(document);
    if (series === null) return KEPT;
    const passed = this.#passed.get(series);
    if (passed === undefined) return { document, problem: null };
    const joined = isMpd(document) ? joinMpd(passed, document) : joinList(passed, document);
    if (joined !== null) return { document: joined, problem: null };
    const [before, now] = [lastAnnounced(passed), lastAnnounced(document)];
    if (before === null || now === null || now <= before) return KEPT;
    return { ...KEPT, problem: 'what the new attempt announces does not fit to what PMS was told before' };
  }

  /** Files that PMS will look for when it is told this, and was not told of before. */
  newFiles(document: string): AnnouncedFile[] {
    const passed = this.#passed.get(seriesOf(document) ?? '') ?? '';
    const known = new Set(announcedFiles(passed).map(({ name }) => name));
    return announcedFiles(document).filter(({ name }) => !known.has(name));
  }

  /** @param duration of the input, in seconds */
  accepted(document: string, duration: number | null = null): void {
    const series = seriesOf(document);
    if (series !== null) this.#passed.set(series, document);
    const point = this.#output && resumePoint(document, this.#output, duration);
    const margin = this.#output?.videoCopied ? COPIED_SEEK_MARGIN_S : 0;
    if (point) this.#resume = { segment: point.segment, seconds: point.seconds + margin };
  }
}

/** Documents of one series continue each other. Null for one that announces nothing. */
function seriesOf(document: string): string | null {
  return isMpd(document) ? 'manifest' : (readNumberedList(document)?.[0]?.stem ?? null);
}
