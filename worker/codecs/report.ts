import { type Static, Type } from 'typebox';

/** How a set of codecs stands. */
export const Report = Type.Object({
  /** False where the transcoder has its codecs inside. */
  needed: Type.Boolean(),
  version: Type.Union([Type.String(), Type.Null()]),
  directory: Type.Union([Type.String(), Type.Null()]),
  wanted: Type.Integer(),
  missing: Type.Array(Type.String()),
  /** Complete, or what is missing is known, and playback does without it. */
  usable: Type.Boolean(),
  /** Whether nothing more is being fetched. */
  finished: Type.Boolean(),
  /** Fetched in this pass. */
  bytes: Type.Integer(),
  retries: Type.Integer(),
  /** What went wrong last. */
  problem: Type.Union([Type.String(), Type.Null()]),
});
export type Report = Static<typeof Report>;

export const NOTHING_KNOWN: Report = {
  needed: true,
  version: null,
  directory: null,
  wanted: 0,
  missing: [],
  usable: false,
  finished: false,
  bytes: 0,
  retries: 0,
  problem: null,
};
