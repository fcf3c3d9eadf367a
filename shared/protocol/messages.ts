import { type Static, Type } from 'typebox';
import { Capabilities } from '../capabilities.ts';
import { AttemptStatus, EndSignal, JobId, JobSpec, Outcome, Resume } from '../job.ts';
import { Checks } from './check.ts';
import { Checkpoint } from './checkpoint.ts';
import { AttemptRecord, Splices } from './record.ts';
import { Contract, RelayStorage } from './storage.ts';

/** The WebSocket subprotocol. A change that an older peer would not understand gets a new number. */
export const SUBPROTOCOL = 'clusterplex.v1';

/** Largest message in bytes: twice what Linux lets a program's arguments and environment take, with JSON's escapes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Output that a worker may have sent and not got acknowledged, per attempt, in bytes. */
export const OUTPUT_WINDOW_BYTES = 1024 * 1024;

/** Most bytes of output in one message, before base64. */
export const OUTPUT_CHUNK_BYTES = 64 * 1024;

const strict = { additionalProperties: false };
const Name = Type.String({ minLength: 1, maxLength: 256 });
const Version = Type.String({ maxLength: 64 });
const Count = Type.Integer({ minimum: 0 });
const Slots = Type.Integer({ minimum: 1, maximum: 10_000 });
const AttemptNumber = Type.Integer({ minimum: 1 });
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const MAX_PROBLEM_LENGTH = 1024;

export const Mount = Type.Object(
  {
    path: Type.String({ maxLength: 4096 }),
    mode: Type.Union([Type.Literal('ro'), Type.Literal('rw')]),
    /** Null when the mount is usable, else what is wrong with it. */
    problem: nullable(Type.String({ maxLength: MAX_PROBLEM_LENGTH })),
    /** File system and options under it; absent while they are not known. */
    type: Type.Optional(Type.String({ maxLength: 64 })),
    options: Type.Optional(Type.String({ maxLength: MAX_PROBLEM_LENGTH })),
    /** How long what PMS writes there takes to be seen here, and the other way round; absent where it was not measured. */
    latencyMs: Type.Optional(Count),
    latencyToPmsMs: Type.Optional(Count),
  },
  strict,
);
export type Mount = Static<typeof Mount>;

const Percent = Type.Number({ minimum: 0, maximum: 100 });

/** One card, whoever uses it; null is what it does not tell. */
export const GpuLoad = Type.Object(
  {
    /** As in the capabilities. */
    id: Name,
    name: Name,
    utilisation: nullable(Percent),
    /** Of its encoders. */
    encoder: nullable(Percent),
    /** Bytes. */
    memoryUsed: nullable(Count),
    memoryTotal: nullable(Count),
    /** Encoder sessions that are open. */
    sessions: nullable(Count),
  },
  strict,
);
export type GpuLoad = Static<typeof GpuLoad>;

export const Load = Type.Object(
  {
    /** Percent of the CPU time that the worker's cgroup allows it, 0 to 100. */
    cpu: Percent,
    /** Result of the start-up benchmark in operations; 0 while it runs. Only LOAD_RANK reads it. */
    ops: Type.Number({ minimum: 0 }),
    /** Absent where there is no GPU. */
    gpus: Type.Optional(Type.Array(GpuLoad, { maxItems: 64 })),
  },
  strict,
);
export type Load = Static<typeof Load>;

const stateFields = {
  revision: Count,
  ready: Type.Boolean(),
  draining: Type.Boolean(),
  /** Null when nothing was measured since the last message. */
  load: nullable(Load),
  attempts: Type.Array(AttemptStatus),
};

export const WorkerHello = Type.Object(
  {
    type: Type.Literal('hello'),
    version: Version,
    name: Name,
    instance: Name,
    /** The machine that it runs on; absent from older workers. */
    node: Type.Optional(Name),
    /** Which workers it is scaled with; absent from older workers. */
    group: Type.Optional(Name),
    /** It sends records; absent from older workers. */
    records: Type.Optional(Type.Boolean()),
    slots: Slots,
    capabilities: Capabilities,
    storage: Type.Array(Mount),
    checks: Checks,
    state: Type.Object(stateFields, strict),
  },
  strict,
);
export type WorkerHello = Static<typeof WorkerHello>;

export const WorkerState = Type.Object(
  {
    type: Type.Literal('state'),
    ...stateFields,
    /** What the hello said, where it is no longer true. */
    slots: Type.Optional(Slots),
    capabilities: Type.Optional(Capabilities),
    storage: Type.Optional(Type.Array(Mount)),
    checks: Checks,
  },
  strict,
);
export type WorkerState = Static<typeof WorkerState>;

export const OutputStream = Type.Union([Type.Literal('stdout'), Type.Literal('stderr')]);
export type OutputStream = Static<typeof OutputStream>;

export const Output = Type.Object(
  {
    type: Type.Literal('output'),
    jobId: JobId,
    attempt: AttemptNumber,
    offset: Count,
    stream: OutputStream,
    data: Type.String({ maxLength: Math.ceil(OUTPUT_CHUNK_BYTES / 3) * 4 }),
  },
  strict,
);
export type Output = Static<typeof Output>;

export const Received = Type.Object(
  {
    type: Type.Literal('received'),
    jobId: JobId,
    attempt: AttemptNumber,
    offset: Count,
    /** Something may have been lost on the way: send again from here. */
    again: Type.Boolean(),
  },
  strict,
);
export type Received = Static<typeof Received>;

export const Welcome = Type.Object(
  {
    type: Type.Literal('welcome'),
    orchestrator: Name,
    /** How often leadership had changed hands: the fence against a leader that does not know yet that it is none. */
    term: Count,
    heartbeatMs: Type.Integer({ minimum: 1 }),
  },
  strict,
);
export type Welcome = Static<typeof Welcome>;

export const JobMessage = Type.Object(
  {
    type: Type.Literal('job'),
    job: JobSpec,
    /** Where its attempt goes on; null: at the beginning. */
    resume: nullable(Resume),
    /** Hardware has failed at it: its attempt is to do without. */
    software: Type.Boolean(),
    /** What encoded the video that PMS has, for an attempt that goes on; null: any. */
    encoder: nullable(Name),
    /** The card whose encoder session it was given; null: any. */
    gpu: nullable(Name),
  },
  strict,
);
export type JobMessage = Static<typeof JobMessage>;

export const DesiredAttempt = Type.Object(
  { jobId: JobId, attempt: AttemptNumber, end: nullable(EndSignal), handBack: Type.Boolean() },
  strict,
);
export type DesiredAttempt = Static<typeof DesiredAttempt>;

export const Desired = Type.Object(
  { type: Type.Literal('desired'), term: Count, revision: Count, attempts: Type.Array(DesiredAttempt) },
  strict,
);
export type Desired = Static<typeof Desired>;

export const RelayHello = Type.Object(
  {
    type: Type.Literal('hello'),
    version: Version,
    name: Name,
    instance: Name,
    /** How often this process has said hello before: a slow network may deliver an older one later. */
    serial: Count,
    jobs: Type.Array(JobId),
  },
  strict,
);
export type RelayHello = Static<typeof RelayHello>;

export const Submit = Type.Object(
  {
    type: Type.Literal('submit'),
    job: JobSpec,
    attempt: Count,
    /** What makes of the job's argv the one that PMS gave; absent from older relays. */
    given: Type.Optional(Splices),
  },
  strict,
);
export type Submit = Static<typeof Submit>;

export const End = Type.Object({ type: Type.Literal('end'), jobId: JobId, signal: EndSignal }, strict);
export type End = Static<typeof End>;

export const Release = Type.Object(
  {
    type: Type.Literal('release'),
    jobId: JobId,
    /** Its hook runs it where PMS is, or goes on with it there; absent when not, and from older relays. */
    onPms: Type.Optional(Type.Boolean()),
  },
  strict,
);
export type Release = Static<typeof Release>;

export const Waiting = Type.Object(
  {
    type: Type.Literal('waiting'),
    jobId: JobId,
    attempt: AttemptNumber,
    /** PMS throttles it, or a call that it made to PMS has no answer yet. */
    waiting: Type.Boolean(),
  },
  strict,
);
export type Waiting = Static<typeof Waiting>;

export const JobState = Type.Union([Type.Literal('queued'), Type.Literal('running'), Type.Literal('ended')]);
export type JobState = Static<typeof JobState>;

export const Status = Type.Object(
  {
    type: Type.Literal('status'),
    term: Count,
    jobId: JobId,
    state: JobState,
    attempt: Count,
    worker: nullable(Name),
    outcome: nullable(Outcome),
  },
  strict,
);
export type Status = Static<typeof Status>;

/** Every message, by direction: the one place that says who may send what. */
export const MESSAGES = {
  workerToOrchestrator: { hello: WorkerHello, state: WorkerState, output: Output, record: AttemptRecord },
  orchestratorToWorker: {
    welcome: Welcome,
    contract: Contract,
    job: JobMessage,
    desired: Desired,
    received: Received,
  },
  relayToOrchestrator: {
    hello: RelayHello,
    submit: Submit,
    end: End,
    release: Release,
    checkpoint: Checkpoint,
    storage: RelayStorage,
    waiting: Waiting,
    received: Received,
  },
  orchestratorToRelay: { welcome: Welcome, status: Status, output: Output },
} as const;

export type Direction = keyof typeof MESSAGES;

interface MessagesOf {
  workerToOrchestrator: WorkerHello | WorkerState | Output | AttemptRecord;
  orchestratorToWorker: Welcome | Contract | JobMessage | Desired | Received;
  relayToOrchestrator: RelayHello | Submit | End | Release | Checkpoint | RelayStorage | Waiting | Received;
  orchestratorToRelay: Welcome | Status | Output;
}
export type Message<D extends Direction> = MessagesOf[D];
