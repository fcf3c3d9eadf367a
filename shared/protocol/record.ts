import { type Static, Type } from 'typebox';
import { Splice } from '../argv/splice.ts';
import { JobId } from '../job.ts';

export const Splices = Type.Array(Splice, { maxItems: 10_000 });

/** Longest, as JSON, that anybody keeps: changes are a few words, and many jobs are remembered. */
const MOST_SPLICES_LENGTH = 64 * 1024;

/** What is not is never more than Splices takes, either. */
export function isTooLong(splices: readonly Splice[]): boolean {
  return JSON.stringify(splices).length > MOST_SPLICES_LENGTH;
}

/** Most bytes that are kept of what an attempt says on stderr. */
export const STDERR_TAIL_BYTES = 64 * 1024;

/** For people only: what a worker knows of an attempt, and nobody else does. */
export const AttemptRecord = Type.Object(
  {
    type: Type.Literal('record'),
    jobId: JobId,
    attempt: Type.Integer({ minimum: 1 }),
    /** What makes of the job's argv the one that was started; absent when they are the same. */
    splices: Type.Optional(Splices),
    /** The end of its stderr, of which its hook gets nothing; absent while it runs, and where the hook gets it. */
    stderr: Type.Optional(Type.String({ maxLength: Math.ceil(STDERR_TAIL_BYTES / 3) * 4 })),
  },
  { additionalProperties: false },
);
export type AttemptRecord = Static<typeof AttemptRecord>;
