import { type Static, type TSchema, Type } from 'typebox';
import { JobId, Resume } from '../job.ts';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });

/** What the relay knows that PMS accepted of a job. */
export const Checkpoint = Type.Object(
  {
    type: Type.Literal('checkpoint'),
    jobId: JobId,
    attempt: Type.Integer({ minimum: 1 }),
    /** Percent of the media that was transcoded, as the transcoder told PMS. */
    progress: nullable(Type.Number()),
    /** Seconds of the input, as the transcoder told PMS; null when it ends elsewhere than its input does. */
    duration: nullable(Type.Number()),
    /** Why its input could not be read on, as the transcoder told PMS. */
    readError: nullable(Type.String({ maxLength: 64 })),
    /** Multiple of real time. */
    speed: nullable(Type.Number()),
    announced: Count,
    /** Where a next attempt would go on; null: at the beginning. */
    resume: nullable(Resume),
    /** Why it would begin at the beginning whatever PMS accepts. */
    obstacle: nullable(Type.String({ maxLength: 1024 })),
  },
  { additionalProperties: false },
);
export type Checkpoint = Static<typeof Checkpoint>;
