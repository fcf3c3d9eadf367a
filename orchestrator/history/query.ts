import type { JobClass, OutcomeReason } from '#shared/job.ts';

/** What is looked for in the history; absent is whatever. */
export interface HistoryQuery {
  /** A part of title, session or id. */
  readonly search?: string;
  readonly reason?: OutcomeReason;
  readonly class?: JobClass;
  /** The last that ran it. */
  readonly worker?: string;
  readonly before: Place;
  readonly limit: number;
}

/** Between two jobs: when they ended, and which came first of those that ended together. */
export interface Place {
  readonly endedAt: number;
  readonly serial: number;
}

export const NEWEST: Place = { endedAt: Number.MAX_SAFE_INTEGER, serial: 0 };

/** Those found, newest first, and behind which place there are more; null: nowhere. */
export interface HistoryPage<T> {
  readonly jobs: readonly T[];
  readonly next: Place | null;
}

/** As `before` has it: a time, and of a page's end also the serial. */
const PLACE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))(?:,(\d{1,15}))?$/;

/** @returns null when the text names no place */
export function placeOf(text: string): Place | null {
  const [, time = '', serial = '0'] = PLACE.exec(text) ?? [];
  const endedAt = Date.parse(time);
  return Number.isNaN(endedAt) ? null : { endedAt, serial: Number(serial) };
}

export function placeText({ endedAt, serial }: Place): string {
  return `${new Date(endedAt).toISOString()},${serial}`;
}
