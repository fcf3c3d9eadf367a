import { type Static, Type } from 'typebox';

export const MAX_CHECK_LENGTH = 8192;

/** One thing that must be right before a worker takes jobs, or is a warning. */
export const Check = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 256 }),
    ok: Type.Boolean(),
    /** What is wrong and what to do, when it is not ok; else what is worth knowing. */
    message: Type.Union([Type.String({ maxLength: MAX_CHECK_LENGTH }), Type.Null()]),
    /** Whether the worker takes no jobs because of it; else it is a warning. */
    blocking: Type.Boolean(),
    /** When it ends to be ok, as a Unix time in milliseconds: of a licence. */
    until: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type Check = Static<typeof Check>;

/** Absent from older workers. */
export const Checks = Type.Optional(Type.Array(Check, { maxItems: 64 }));
