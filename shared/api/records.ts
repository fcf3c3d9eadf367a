import { type Static, Type } from 'typebox';

const strict = { additionalProperties: false };

/** An option with its value, or whatever stands alone. */
const Line = Type.Array(Type.String());

/** A job's command without its secrets, in the way in which it was changed. */
export const CommandView = Type.Object(
  {
    jobId: Type.String(),
    /** As PMS gave it. */
    argv: Line,
    lines: Type.Array(Line),
    /** False: its relay does not say what it changed itself, and it is shown as the relay sent it. */
    isGiven: Type.Boolean(),
    attempts: Type.Array(
      Type.Object(
        {
          attempt: Type.Integer(),
          worker: Type.String(),
          /** Whether that is what its worker ran; unknown where an older one does not say. */
          ran: Type.Enum(['as-given', 'changed', 'unknown', 'not-started']),
          /** What it ran, where that is something else; else null, as is the difference. */
          argv: Type.Union([Line, Type.Null()]),
          difference: Type.Union([
            Type.Array(Type.Object({ change: Type.Enum(['kept', 'removed', 'added']), line: Line }, strict)),
            Type.Null(),
          ]),
        },
        strict,
      ),
    ),
  },
  { ...strict, title: 'Command' },
);
export type CommandView = Static<typeof CommandView>;

/** What outlives the orchestrator of a job that ended badly. */
export const KeptRecord = Type.Object(
  {
    command: CommandView,
    /** Of each attempt the end of its stderr. */
    stderr: Type.Array(Type.Object({ attempt: Type.Integer(), text: Type.String() }, strict)),
  },
  strict,
);
export type KeptRecord = Static<typeof KeptRecord>;
