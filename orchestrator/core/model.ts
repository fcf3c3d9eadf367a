import type { Capabilities } from '#shared/capabilities.ts';
import type { AttemptPhase, Change, EndSignal, JobSpec, Outcome, Resume, StoryEvent } from '#shared/job.ts';
import type { Check } from '#shared/protocol/check.ts';
import type { Load, Mount } from '#shared/protocol/messages.ts';
import type { HardwareRequirement, Requirements } from '#shared/requirements.ts';

/** A connection, as the gateway numbers them; numbers are never used again. */
export type ConnectionId = number;

/** One run of a job on one worker. Its number is the fencing token. */
export interface Attempt {
  readonly jobId: string;
  readonly number: number;
  readonly worker: string;
  readonly assignedAt: number;
  /** Another orchestrator assigned it. */
  readonly adopted: boolean;
  /** The first desired list of the worker's connection that names this attempt. */
  revision: number;
  phase: AttemptPhase;
  startedAt: number | null;
  endedAt: number | null;
  /** When PMS last accepted more of it. */
  progressedAt: number;
  /** Since when nothing of its transcoder has run; null while it does. */
  stillSince: number | null;
  /** The signal with which it is to be ended; null while it may run. */
  end: EndSignal | null;
  /** Where it went on; null: at the beginning. */
  readonly resume: Resume | null;
  /** Without hardware, since that has failed at the job. */
  readonly software: boolean;
  /** What encoded the video after which it goes on; null when it is to go on with any. */
  readonly encoder: string | null;
  /** What its worker says that it changed in the command, and what that uses of a GPU. */
  changes: readonly Change[];
  hardware: HardwareRequirement | null;
  /** Its failure counts against its worker. */
  blamed: boolean;
  /** It is ended for its worker's sake: another attempt follows. */
  handBack: boolean;
  outcome: Outcome | null;
  /** Why its exit code 0 was not believed. */
  doubt: Doubt | null;
  /** Where in the input it was given up, in seconds, since it stood still. */
  stoodAt: number | null;
}

export interface Doubt {
  /** Seconds of the input; null when nobody knows. */
  readonly reached: number | null;
  /** Why its input could not be read on, if it said so. */
  readonly readError: string | null;
  /** Another one has ended in the same place. */
  readonly isRepeated: boolean;
  readonly message: string;
}

/** One thing that happened to a job, for people. */
export interface StoryEntry {
  readonly at: number;
  readonly event: StoryEvent;
  readonly attempt: number;
  readonly worker: string | null;
  readonly message: string | null;
}

/** What the relay knows that PMS has accepted. */
export interface Accepted {
  readonly attempt: number;
  readonly progress: number | null;
  readonly speed: number | null;
  /** Seconds of the input, when the job ends where that does. */
  readonly duration: number | null;
  readonly readError: string | null;
  readonly announced: number;
  /** Where a next attempt goes on; null: at the beginning. */
  readonly resume: Resume | null;
  readonly obstacle: string | null;
}

/**
 * A job's state is derived, never stored: it has *ended* when it has an outcome, it is *running* while it has a current
 * attempt, and else it is *queued*.
 */
export interface Job {
  readonly spec: JobSpec;
  readonly requirements: Requirements;
  /** Hardware has failed at it: its next attempts do without. */
  software: boolean;
  readonly submittedAt: number;
  /** Age in the queue: kept when the job is queued again. */
  readonly order: number;
  /** The relay that holds its hook; null while no relay does. */
  holder: ConnectionId | null;
  /** The process of the last holder, which may come back, and which of its hellos it was known by. */
  lastHolder: { readonly instance: string; readonly serial: number };
  /** Nobody will ask for the outcome any more. */
  released: boolean;
  /** The highest attempt number that anybody is known to have used. */
  lastAttempt: number;
  /** One that has ended is doubted: the relay may have more to say of it. */
  current: Attempt | null;
  readonly attempts: Attempt[];
  /** Workers that refused it or failed at it. */
  readonly avoid: Set<string>;
  /** Somebody asked for its end, with this signal. */
  endRequested: EndSignal | null;
  accepted: Accepted | null;
  /** The attempt that waits for PMS: it is throttled, or a call of its has no answer yet. */
  waiting: number | null;
  outcome: Outcome | null;
  endedAt: number | null;
  /** It ended here, and its hook ran it where PMS is, or went on with it there. */
  onPms: boolean;
  readonly story: StoryEntry[];
}

export interface Worker {
  readonly name: string;
  readonly instance: string;
  readonly version: string;
  /** The machine; null when it does not say. */
  readonly node: string | null;
  /** Which workers it is scaled with. */
  readonly group: string;
  /** The number at the end of its name, as a StatefulSet gives it; null where there is none. */
  readonly ordinal: number | null;
  /** It tells what it changed in commands. */
  readonly records: boolean;
  slots: number;
  capabilities: Capabilities;
  storage: readonly Mount[];
  /** Why it is not ready, and what it warns of; empty from older workers. */
  checks: readonly Check[];
  readonly connectedAt: number;
  /** Null while it has the reconnect window to come back. */
  connection: ConnectionId | null;
  ready: boolean;
  /** It said that it drains. */
  draining: boolean;
  /** An operator drained it. */
  drained: boolean;
  /** Since when it is to go, as the scale asks for fewer; null while it may stay. */
  leavingSince: number | null;
  /** Its group is scaled: those with low numbers are filled first. */
  scaled: boolean;
  /** Jobs in a row that failed at once here and were given to another worker. */
  failures: number;
  /** Too many of them: for a while it takes nothing new. */
  quarantined: boolean;
  load: Load;
  /** When `load` was measured. */
  sampledAt: number;
  /** Live attempts that `load` does not show yet. */
  unsampled: number;
  /** What it should run, and what it ran and has not yet been told to forget: its hook may still want the output. */
  readonly attempts: Map<string, Attempt>;
  /** Attempts of `attempts` that have not ended: its used slots. */
  running: number;
  /** Number of the last desired list on this connection. */
  revision: number;
  /** When it was given a job last, as a sequence number. */
  lastAssigned: number;
}

export interface Relay {
  readonly connection: ConnectionId;
  readonly name: string;
  readonly instance: string;
  /** Which hello of the process it came with. */
  readonly serial: number;
  readonly version: string;
  /** The jobs whose hooks it holds. */
  readonly held: Set<Job>;
}

/** The attempt whose output the hook writes. */
export function outputAttempt(job: Job): Attempt | null {
  return job.current ?? job.attempts.at(-1) ?? null;
}

export function jobState(job: Job): 'queued' | 'running' | 'ended' {
  if (job.outcome) return 'ended';
  return job.current ? 'running' : 'queued';
}
