import { type Static, type TSchema, Type } from 'typebox';
import { Capabilities } from '../capabilities.ts';
import { ERROR_CODES } from '../errors.ts';
import { Change, JobClass, Outcome, OutcomeReason, STORY_EVENTS } from '../job.ts';
import { Check } from '../protocol/check.ts';
import { JobState, Load, Mount } from '../protocol/messages.ts';
import { SharedMount } from '../protocol/storage.ts';
import { HardwareRequirement, Requirements } from '../requirements.ts';

const strict = { additionalProperties: false };
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** Of routes that have no parameters. */
export const NoQuery = Type.Object({}, strict);
const Time = Type.String({ format: 'date-time' });

const CheckView = Type.Object(
  {
    ...Check.properties,
    /** What to do, when it is not ok. */
    remedy: Type.Optional(Type.String()),
  },
  strict,
);

/** A worker as events tell of it: without what its transcoder can do, which is long and rarely changes. */
export const WorkerSummary = Type.Object(
  {
    name: Type.String(),
    state: Type.Union([
      Type.Literal('ready'),
      Type.Literal('not-ready'),
      Type.Literal('draining'),
      Type.Literal('quarantined'),
      Type.Literal('disconnected'),
    ]),
    version: Type.String(),
    /** The machine that it runs on; null when it does not say. */
    node: nullable(Type.String()),
    connectedAt: Time,
    slots: Type.Integer(),
    running: Type.Integer(),
    /** Which workers it is scaled with. */
    group: Type.String(),
    /** It drains since the scale asks for fewer. */
    leaving: Type.Boolean(),
    jobs: Type.Array(Type.String()),
    storage: Type.Array(Mount),
    /** As its own /ready says: why it takes no jobs, and what it warns of. */
    checks: Type.Array(CheckView),
    load: Load,
  },
  { ...strict, title: 'WorkerSummary' },
);
export type WorkerSummary = Static<typeof WorkerSummary>;

export const WorkerView = Type.Object(
  { ...WorkerSummary.properties, capabilities: Capabilities },
  { ...strict, title: 'Worker' },
);
export type WorkerView = Static<typeof WorkerView>;

export const StorageView = Type.Object(
  {
    /** What PMS shares, as its relays say. */
    contracts: Type.Array(
      Type.Object(
        { relay: Type.String(), mounts: Type.Array(Type.Pick(SharedMount, ['path', 'mode', 'purpose'])) },
        strict,
      ),
    ),
    /** What each worker has of it, and what is wrong with that. */
    workers: Type.Array(Type.Object({ name: Type.String(), mounts: Type.Array(Mount) }, strict)),
  },
  { ...strict, title: 'Storage' },
);
export type StorageView = Static<typeof StorageView>;

export const AttemptView = Type.Object(
  {
    attempt: Type.Integer(),
    worker: Type.String(),
    assignedAt: Time,
    startedAt: nullable(Time),
    endedAt: nullable(Time),
    /** What it uses of a GPU; null when nothing. */
    hardware: nullable(HardwareRequirement),
    /** What its worker changed in the command, or why it left it. */
    changes: Type.Array(Change),
    outcome: nullable(Outcome),
  },
  { ...strict, title: 'Attempt' },
);
export type AttemptView = Static<typeof AttemptView>;

export const StoryEntryView = Type.Object(
  {
    at: Time,
    event: Type.Enum([...STORY_EVENTS]),
    attempt: Type.Integer(),
    worker: nullable(Type.String()),
    message: nullable(Type.String()),
  },
  { ...strict, title: 'StoryEntry' },
);
export type StoryEntryView = Static<typeof StoryEntryView>;

export const JobView = Type.Object(
  {
    jobId: Type.String(),
    session: nullable(Type.String()),
    class: JobClass,
    title: Type.String(),
    state: JobState,
    attempt: Type.Integer(),
    worker: nullable(Type.String()),
    submittedAt: Time,
    startedAt: nullable(Time),
    endedAt: nullable(Time),
    /** Why it waits, was tried again, or ended as it did. */
    reason: nullable(Type.String()),
    outcome: nullable(Outcome),
    /** No worker brought it to its end, and PMS's own transcoder did, or does: the outcome tells why. Not how that ended. */
    ranOnPms: Type.Boolean(),
    progress: nullable(Type.Number()),
    speed: nullable(Type.Number()),
    /** Segments or list rows that PMS has accepted. */
    announced: Type.Integer(),
    /** How long PMS waited for the first segment, in milliseconds; null while there is none, or nobody saw it. */
    firstSegmentMs: nullable(Type.Integer()),
    /** What the last attempt uses of a GPU; null when nothing, or not known yet. */
    hardware: nullable(HardwareRequirement),
    /** What was changed in the command, by name: by the relay, and by the worker of the last attempt. */
    changes: Type.Array(Type.String()),
  },
  { ...strict, title: 'Job' },
);
export type JobView = Static<typeof JobView>;

export const JobStoryView = Type.Object(
  {
    ...JobView.properties,
    requirements: Requirements,
    attempts: Type.Array(AttemptView),
    story: Type.Array(StoryEntryView),
  },
  { ...strict, title: 'JobStory' },
);
export type JobStoryView = Static<typeof JobStoryView>;

export const HistoryView = Type.Object(
  {
    jobs: Type.Array(JobView),
    /** What to send as `before` for the next page; null on the last one. */
    next: nullable(Type.String()),
  },
  { ...strict, title: 'History' },
);
export type HistoryView = Static<typeof HistoryView>;

export const HistoryParameters = Type.Object(
  {
    /** A part of title, session or id. */
    search: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    reason: Type.Optional(OutcomeReason),
    class: Type.Optional(JobClass),
    worker: Type.Optional(Type.String({ maxLength: 256 })),
    before: Type.Optional(Type.String({ maxLength: 64 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  },
  strict,
);

export const Burst = Type.Object(
  { group: Type.String(), workers: Type.Integer({ minimum: 0, maximum: 10_000 }), until: Time },
  { ...strict, title: 'Burst' },
);

const scaleFields = {
  minimum: Type.Integer(),
  maximum: Type.Integer(),
  desired: Type.Integer(),
  current: Type.Integer(),
  /** Workers too many (positive) or too few (negative) for what was asked for; 0 where nobody has. */
  deviation: Type.Integer(),
  bursts: Type.Array(Burst),
  /** What KEDA's metrics-api trigger reads: `desired`, and those who may not go yet. */
  desiredWorkers: Type.Integer(),
};

/** Workers that are scaled together. */
export const ScaleGroupView = Type.Object(
  {
    name: Type.String(),
    /** Who brings reality into line: the orchestrator, whatever reads this, or nobody. */
    scalable: Type.Union([Type.Literal('local'), Type.Literal('infra'), Type.Literal(false)]),
    ...scaleFields,
    /** Of `current`: those that take jobs, and those that finish what they run. */
    ready: Type.Integer(),
    draining: Type.Integer(),
    /** What decided `desired`; `recent`: what jobs needed a while ago. */
    reason: Type.Enum(['spec', 'burst', 'running', 'queue', 'recent', 'warm', 'maximum']),
    /** Where the spec is from: an `api` call counts until the file or the leader changes, or the orchestrator restarts; null: none is set. */
    setBy: Type.Union([Type.Literal('file'), Type.Literal('api'), Type.Null()]),
    /** Why reality can't be brought into line; null while nothing hinders that. */
    problem: nullable(Type.String()),
  },
  { ...strict, title: 'ScaleGroup' },
);
export type ScaleGroupView = Static<typeof ScaleGroupView>;

/** The sums over all groups, and each of them. */
export const ScaleView = Type.Object(
  {
    ...scaleFields,
    groups: Type.Array(ScaleGroupView),
    /** What is wrong with the spec's file; null when nothing. */
    problem: nullable(Type.String()),
  },
  { ...strict, title: 'Scale' },
);
export type ScaleView = Static<typeof ScaleView>;

const GroupName = Type.String({ minLength: 1, maxLength: 256 });

export const ScaleParameters = Type.Object({ group: Type.Optional(GroupName) }, strict);

const Line = Type.Array(Type.Integer());
const LineWithGaps = Type.Array(nullable(Type.Number()));

/** The last hours: each line has a value for each time in `at`. */
export const TimelinesView = Type.Object(
  {
    /** Seconds since 1970. */
    at: Line,
    running: Line,
    queued: Line,
    /** Those that are ready, and their slots. */
    workers: Line,
    slots: Line,
    /** The mean of the running jobs. */
    speed: LineWithGaps,
    /** The longest wait for a first segment since the time before. */
    firstSegmentMs: LineWithGaps,
    /** Means of the ready workers, and of their GPUs, in percent. */
    cpu: LineWithGaps,
    gpu: LineWithGaps,
  },
  { ...strict, title: 'Timelines' },
);
export type TimelinesView = Static<typeof TimelinesView>;

const Workers = Type.Integer({ minimum: 0, maximum: 10_000 });

export const ScaleChange = Type.Object(
  {
    /** Default: `default`, or the only one that there is. */
    group: Type.Optional(GroupName),
    minimum: Type.Optional(Workers),
    maximum: Type.Optional(Workers),
    desired: Type.Optional(Workers),
    burst: Type.Optional(
      Type.Object(
        { workers: Workers, minutes: Type.Number({ exclusiveMinimum: 0, maximum: 10_080 }) },
        strict,
      ),
    ),
  },
  { ...strict, title: 'ScaleChange', minProperties: 1 },
);
export type ScaleChange = Static<typeof ScaleChange>;

export const ReadyView = Type.Object(
  {
    ready: Type.Boolean(),
    role: Type.Union([Type.Literal('leader'), Type.Literal('standby')]),
    /** Who leads, as the Lease names it; absent without elections. */
    holder: Type.Optional(Type.String()),
    /** Why it is not ready. */
    reason: Type.Optional(Type.String()),
  },
  { ...strict, title: 'Ready' },
);
export type ReadyView = Static<typeof ReadyView>;

export const ErrorView = Type.Object(
  {
    error: Type.Object(
      {
        code: Type.Enum([...ERROR_CODES]),
        message: Type.String(),
        hint: nullable(Type.String()),
      },
      strict,
    ),
  },
  { ...strict, title: 'Error' },
);
export type ErrorView = Static<typeof ErrorView>;
