import { type Static, Type } from 'typebox';
import { ByteString, shortened } from './bytes.ts';
import { HardwareRequirement } from './requirements.ts';
import { Traceparent } from './tracing/traceparent.ts';

const strict = { additionalProperties: false };

/** Longest name or id that a peer may choose, in UTF-16 units. */
const Name = Type.String({ minLength: 1, maxLength: 256 });

export const JobId = Name;

export const JobClass = Type.Union([Type.Literal('playback'), Type.Literal('background')]);
export type JobClass = Static<typeof JobClass>;

/** Signals that PMS may end a transcoder with, besides SIGKILL, which nothing can pass on. */
export const EndSignal = Type.Union([
  Type.Literal('SIGHUP'),
  Type.Literal('SIGINT'),
  Type.Literal('SIGQUIT'),
  Type.Literal('SIGTERM'),
]);
export type EndSignal = Static<typeof EndSignal>;

/** Where the next attempt of a segmented job goes on. */
export const Resume = Type.Object(
  {
    /** The number of the first segment that it writes. */
    segment: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    /** Where in the film that segment begins. */
    seconds: Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);
export type Resume = Static<typeof Resume>;

/** Something that was changed in a command, or left although it could have been: for the job's record. */
export const Change = Type.Object(
  { name: Type.String({ maxLength: 64 }), detail: Type.String({ maxLength: 1024 }) },
  strict,
);
export type Change = Static<typeof Change>;

/** One transcoder command that PMS asked for, ready to run on any worker. */
export const JobSpec = Type.Object(
  {
    jobId: JobId,
    /** PMS's transcode session: opaque, not always a UUID. */
    session: Type.Union([Type.String({ maxLength: 1024 }), Type.Null()]),
    jobClass: JobClass,
    title: Type.String({ maxLength: 4096 }),
    /** Whether the hook may run the original transcoder when no worker can. */
    local: Type.Boolean(),
    argv: Type.Array(ByteString, { minItems: 1 }),
    env: Type.Record(Type.String(), ByteString),
    cwd: ByteString,
    /** PMS says that it has an active Plex Pass; false as long as it has not said so. */
    plexPass: Type.Boolean(),
    /** What the relay rewrote, by name. */
    changes: Type.Array(Type.String({ maxLength: 1024 })),
    /** The context of its trace; absent where the relay makes none. */
    traceparent: Type.Optional(Traceparent),
  },
  strict,
);
export type JobSpec = Static<typeof JobSpec>;

export const OutcomeReason = Type.Union([
  Type.Literal('exited'),
  Type.Literal('cancelled'),
  Type.Literal('refused'),
  Type.Literal('lost'),
  Type.Literal('no-worker'),
  Type.Literal('failed'),
  Type.Literal('incomplete'),
]);
export type OutcomeReason = Static<typeof OutcomeReason>;

const MAX_MESSAGE_LENGTH = 8192;

/** What a failed transcoder's words say of the GPU: no encoder session left, no memory left, or no GPU any more. */
export const GpuFailure = Type.Union([
  Type.Literal('sessions'),
  Type.Literal('memory'),
  Type.Literal('lost'),
]);
export type GpuFailure = Static<typeof GpuFailure>;

/** How an attempt, or a job, ended: one shape for every end. */
export const Outcome = Type.Object(
  {
    reason: OutcomeReason,
    exitCode: Type.Union([Type.Integer({ minimum: 0, maximum: 255 }), Type.Null()]),
    signal: Type.Union([Type.String({ maxLength: 16 }), Type.Null()]),
    /** SIGKILL had to end it. */
    forced: Type.Boolean(),
    message: Type.Union([Type.String({ maxLength: MAX_MESSAGE_LENGTH }), Type.Null()]),
    /** Of each stream, so that the end does not overtake them. */
    stdoutBytes: Type.Integer({ minimum: 0 }),
    stderrBytes: Type.Integer({ minimum: 0 }),
    /** Why its input could not be read on, as it said on stderr; null when it did not say so. */
    readError: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    /** Only of a transcoder that failed because of its GPU. */
    gpuFailure: Type.Optional(GpuFailure),
  },
  strict,
);
export type Outcome = Static<typeof Outcome>;

/** An end without a process: the message says what went wrong, where, and what to do. */
export function outcomeWithoutProcess(reason: Exclude<OutcomeReason, 'exited'>, message: string): Outcome {
  const text = shortened(message, MAX_MESSAGE_LENGTH);
  return {
    reason,
    exitCode: null,
    signal: null,
    forced: false,
    message: text,
    stdoutBytes: 0,
    stderrBytes: 0,
    readError: null,
  };
}

/** A refusal names paths and values of the command. */
export function withoutSecrets(outcome: Outcome, secrets: { text(text: string): string }): Outcome {
  const { message } = outcome;
  return message === null
    ? outcome
    : { ...outcome, message: shortened(secrets.text(message), MAX_MESSAGE_LENGTH) };
}

export function outputBytes({ stdoutBytes, stderrBytes }: Outcome): number {
  return stdoutBytes + stderrBytes;
}

export const AttemptPhase = Type.Union([
  Type.Literal('preparing'),
  Type.Literal('running'),
  Type.Literal('ended'),
]);
export type AttemptPhase = Static<typeof AttemptPhase>;

/** What a worker says about one attempt. The attempt number is the fencing token: the higher one counts. */
export const AttemptStatus = Type.Object(
  {
    jobId: JobId,
    attempt: Type.Integer({ minimum: 1 }),
    phase: AttemptPhase,
    /** What this worker changed in the command; empty until it was started. */
    changes: Type.Array(Change, { maxItems: 16 }),
    /** What the command, as it was started, uses of a GPU; null when nothing. */
    hardware: Type.Union([HardwareRequirement, Type.Null()]),
    /** Its transcoder does not get on: nothing of it runs, or transfers anything; absent or false while it does. */
    still: Type.Optional(Type.Boolean()),
    /** Null until the phase is `ended`. */
    outcome: Type.Union([Outcome, Type.Null()]),
  },
  strict,
);
export type AttemptStatus = Static<typeof AttemptStatus>;

/** What a job's story is made of. */
export const STORY_EVENTS = [
  'submitted',
  'queued',
  'placed',
  'adopted',
  'started',
  'attempt-ended',
  'cancelling',
  'ended',
  'on-pms',
] as const;
export type StoryEvent = (typeof STORY_EVENTS)[number];
