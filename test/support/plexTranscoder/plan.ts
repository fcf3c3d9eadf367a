/** What ffmpeg writes, and how PMS comes to know. */
export interface DashPlan {
  readonly kind: 'dash';
  /** Where ffmpeg writes. */
  readonly work: string;
  /** Where PMS expects the segments. */
  readonly target: string;
  readonly manifestUrl: string | null;
  readonly firstNumber: number;
  /** With `$RepresentationID$` and `$Number%05d$`, as in argv. */
  readonly initName: string;
  readonly mediaName: string;
}

export interface SegmentPlan {
  readonly kind: 'segments';
  /** Where ffmpeg writes and PMS reads, as with the genuine transcoder. */
  readonly target: string;
  readonly listUrl: string | null;
  readonly listSize: number;
  /** `-segment_list_separate_stream_times`: behind the end one for sound and one for the picture. */
  readonly separateTimes: boolean;
  /** `-segment_list_unfinished`: the segment in progress is listed, too, behind a `#`. */
  readonly unfinished: boolean;
  readonly headerName: string | null;
  readonly holdsSubtitles: boolean;
  /** With `%05d`. */
  readonly mediaName: string;
  readonly start: number;
}

export interface Plan {
  /** For stock ffmpeg, which writes its progress to descriptor 3 and the nth segment list to descriptor 4 + n. */
  readonly args: readonly string[];
  readonly outputs: readonly (DashPlan | SegmentPlan)[];
  /** Seconds of the input that are skipped. */
  readonly start: number;
  /** The picture's, when the command names it. */
  readonly frameRate: number | null;
}

export const PROGRESS_DESCRIPTOR = 3;
export const FIRST_LIST_DESCRIPTOR = 4;

export const MANIFEST = 'dash.mpd';

/** The name of a numbered file, after printf: `media-%05d.ts`, or `$Number%05d$` inside a DASH template. */
export function numbered(pattern: string, number: number): string {
  return pattern.replace(/\$Number%0(\d+)d\$|%0(\d+)d/, (_, inDash?: string, plain?: string) =>
    String(number).padStart(Number(inDash ?? plain), '0'),
  );
}
