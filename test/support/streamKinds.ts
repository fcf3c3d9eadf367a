import type { PmsJob } from './retarget.ts';
import { DASH, HLS, inSegmentsOfOneSecond } from './standInStage.ts';

/** A way in which PMS has a film transcoded for a viewer. */
export interface StreamKind {
  readonly name: string;
  /** Of the corpus. */
  readonly id: string;
  /** What stands before each segment. */
  readonly init: string | null;
  adapt(job: PmsJob): PmsJob;
}

/** Copied pictures are cut at the sample's key frames, every 2 s. A list keeps all rows, so that none may be missed. */
export function inShortSegments(job: PmsJob): PmsJob {
  const argv = job.argv.map((element, index) => {
    const option = job.argv[index - 1] ?? '';
    if (option === '-segment_list_size') return '0';
    return /^-(seg_duration|segment_time)$/.test(option) ? '1' : element;
  });
  return { ...job, argv };
}

const init = 'init-stream0.m4s';
export const DASH_STREAM: StreamKind = { name: 'DASH', id: DASH, init, adapt: inSegmentsOfOneSecond };
export const DASH_COPIED: StreamKind = {
  name: 'DASH, copied',
  id: 'mc-dash-13',
  init,
  adapt: inShortSegments,
};
export const HLS_STREAM: StreamKind = { name: 'HLS', id: HLS, init: null, adapt: (job) => job };
export const HLS_COPIED: StreamKind = {
  ...{ name: 'HLS, copied', id: 'sp-ph-e35f3848', init: 'header', adapt: inShortSegments },
};
export const STREAM_KINDS: readonly StreamKind[] = [DASH_STREAM, DASH_COPIED, HLS_STREAM, HLS_COPIED];
