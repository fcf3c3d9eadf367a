import { readCommand } from '#shared/argv/command.ts';
import { resumed } from '#shared/argv/resume.ts';
import { segmentedOutput } from '#shared/argv/segmented.ts';
import type { Splice } from '#shared/argv/splice.ts';
import { type ByteString, readable } from '#shared/bytes.ts';
import type { EndSignal, JobSpec, Outcome, Resume } from '#shared/job.ts';
import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import type { Output, OutputStream } from '#shared/protocol/messages.ts';
import type { Before, RelayLine } from '../hookProtocol.ts';
import { AcceptedCallbacks } from './acceptedCallbacks.ts';
import { Announcements } from './announced/announcements.ts';
import { isComplete } from './announced/complete.ts';
import type { Verdict } from './exit.ts';
import type { Accepted } from './records.ts';
import { runsToTheEnd } from './runsToTheEnd.ts';

/** The way back to a hook. */
export interface HookAnswers {
  send(line: RelayLine): void;
  close(): void;
}

/** How far a hook is in the output of one attempt; with `again` the rest of it did not arrive. */
export interface Position {
  readonly attempt: number;
  readonly offset: number;
  readonly again: boolean;
}

/** Where its callbacks go. */
export interface CallbackPlace {
  /** Paths at PMS that its transcoder may call, as prefixes. */
  readonly scopes: readonly string[];
  /** The secret in its callback addresses; null when there are no tokens. */
  readonly credential: string | null;
  /** The command for a transcoder on this host whose callbacks come to the Local Relay; null without one. */
  readonly localArgv: readonly ByteString[] | null;
}

/** A job whose hook this relay holds. */
export class HeldJob {
  readonly spec: JobSpec;
  readonly hook: HookAnswers;
  /** What makes of its argv the one that PMS gave; null where nobody says. */
  readonly given: readonly Splice[] | null;
  readonly scopes: readonly string[];
  readonly credential: string | null;
  readonly accepted: AcceptedCallbacks;
  /** Whether it ends where its input does, unless something goes wrong. */
  readonly runsToTheEnd: boolean;
  readonly announcements: Announcements;
  /** Why a next attempt would begin at the beginning; null when it need not. */
  readonly obstacle: string | null;
  /** An orchestrator may know of it. */
  submitted: boolean;
  /** The highest attempt that the orchestrator has named. */
  attempt = 0;
  worker: string | null = null;
  /** PMS has accepted something since the last checkpoint. */
  checkpointDue = false;
  /** Calls of its transcoder that have no answer yet. */
  calls = 0;
  /** PMS has told its transcoder to wait. */
  throttled = false;
  /** What the orchestrator was told of that attempt's waiting. */
  toldWaiting = false;
  /** What the last checkpoint said of where to go on. */
  checkpointed: Resume | null = null;
  /** How it ended, while output is still to come. */
  outcome: Outcome | null = null;
  /** The last word that its hook was told; null while there is none. */
  verdict: Verdict | null = null;
  /** PMS wants its end, with this signal. */
  signal: EndSignal | null = null;
  /** Its hook runs it, or is about to: no orchestrator has a say in it any more. */
  isTakenOver: boolean;
  /** What it has written since the connection broke may never have been sent to this relay. */
  resync: boolean;
  readonly #returned: boolean;
  readonly #localArgv: readonly ByteString[] | null;
  /** Bytes of all attempts that were passed to the hook, and that it has written. */
  #delivered: number;
  #written: number;
  #outputAttempt = 0;
  /** Where in the hook's output that attempt's begins. */
  #base = 0;
  /** Bytes of stdout among those that were passed: of one attempt only, since no other may follow it. */
  #stdout = 0;
  /** From where output was asked for again, and has not come yet. */
  #askedFrom: number | null = null;

  /**
   * @param before what its hook brings with it from a relay that is gone; null when the job is new
   * @param accepted what that relay knew that PMS had accepted
   */
  constructor(
    spec: JobSpec,
    hook: HookAnswers,
    place: CallbackPlace,
    before: Before | null,
    accepted: Accepted | null,
    given: readonly Splice[] | null = null,
  ) {
    this.spec = spec;
    this.given = given;
    this.hook = hook;
    this.scopes = place.scopes;
    this.credential = place.credential;
    this.#localArgv = place.localArgv;
    const { inputs } = readCommand(spec.argv);
    this.accepted = new AcceptedCallbacks(inputs.map(({ index }) => readable(spec.argv[index] ?? '')));
    this.runsToTheEnd = runsToTheEnd(spec.argv);
    const output = segmentedOutput(spec.argv);
    this.obstacle = 'problem' in output ? output.problem : null;
    this.announcements = new Announcements('problem' in output ? null : output);
    if (accepted) {
      this.attempt = accepted.attempt;
      this.accepted.restore(accepted.duration, accepted.documents);
      this.announcements.restore(accepted);
    }
    this.isTakenOver = before?.runsHere ?? false;
    if (this.isTakenOver) this.announcements.attemptMayChange();
    this.#returned = before !== null;
    this.submitted = before !== null;
    this.resync = before !== null;
    this.#delivered = before?.received ?? 0;
    this.#written = this.#delivered;
    if (!before?.cursor) return;
    const [attempt, base, stdout] = before.cursor.split(' ').map(Number);
    this.#outputAttempt = attempt ?? 0;
    this.#base = base ?? 0;
    this.#stdout = stdout ?? 0;
  }

  /** Passes output on, what is new of it. Returns what its worker should know of: a gap, or that it is known already. */
  deliver({ attempt, offset, stream, data }: Output): Position | null {
    if (attempt < this.#outputAttempt) return null;
    if (attempt > this.#outputAttempt) {
      // PMS has read what it would write once more, whether or not its status has come yet.
      if (this.hasStdout) return null;
      this.#base = this.#delivered;
      this.#outputAttempt = attempt;
      this.#askedFrom = null;
    }
    const bytes = Buffer.from(data, 'base64');
    const passed = this.#delivered - this.#base;
    if (offset > passed) {
      if (this.#askedFrom === passed) return null;
      this.#askedFrom = passed;
      return this.position(true);
    }
    // An acknowledgement was lost: its worker would keep this for ever.
    if (offset + bytes.length <= passed) return this.position(false);
    const fresh = bytes.subarray(passed - offset);
    if (stream === 'stdout') this.#stdout += fresh.length;
    const cursor = `${attempt} ${this.#base} ${this.#stdout}`;
    this.hook.send({
      type: 'output',
      stream,
      data: fresh.toString('base64'),
      offset: this.#delivered,
      cursor,
    });
    this.#delivered += fresh.length;
    return null;
  }

  /** The hook has written everything before `offset`. */
  wrote(offset: number): void {
    this.#written = Math.max(this.#written, offset);
  }

  /** What the hook has written, as its attempt counts it. */
  position(again: boolean): Position {
    const attempt = Math.max(this.attempt, this.#outputAttempt);
    const offset = attempt === this.#outputAttempt ? Math.max(0, this.#written - this.#base) : 0;
    return { attempt, offset, again };
  }

  /** Whether a worker may be running it, whatever this relay has heard. */
  get mayRunElsewhere(): boolean {
    return this.#returned || this.attempt > 0;
  }

  /** Whether PMS has read what another run would write once more. */
  get isBeyondRepeat(): boolean {
    return this.hasStdout && this.attempt > this.#outputAttempt;
  }

  /** Whether its hook may run it; what PMS has read of stdout would be written once more. */
  get mayRunHere(): boolean {
    return this.spec.local && !this.hasStdout;
  }

  /** What its hook runs to go on where PMS is; null when it has to begin at the beginning. */
  get localArgv(): readonly ByteString[] | null {
    const { resume } = this.announcements;
    return resume && this.#localArgv && resumed(this.#localArgv, resume);
  }

  /** Whether PMS has everything, however its transcoder ended. */
  get isComplete(): boolean {
    const { passed } = this.announcements;
    const { duration } = this.accepted;
    if (passed.length === 0 || duration === null) return false;
    return passed.every((document) => isComplete(document, duration));
  }

  /** Whether its transcoder waits for PMS, or for this relay. */
  get waiting(): boolean {
    return this.throttled || this.calls > 0;
  }

  /** @returns whether that is news */
  placed(attempt: number, worker: string | null): boolean {
    const moved = attempt !== this.attempt || (worker !== null && worker !== this.worker);
    if (attempt > this.attempt && this.attempt > 0) {
      this.announcements.attemptMayChange();
      this.accepted.attemptChanged();
      this.throttled = false;
      this.toldWaiting = false;
    }
    this.attempt = attempt;
    this.worker = worker ?? this.worker;
    return moved;
  }

  /** What the orchestrator is to know of it; null before it has an attempt. */
  checkpoint(): Checkpoint | null {
    const { spec, attempt, accepted, announcements, obstacle } = this;
    if (attempt === 0) return null;
    const { progress, speed, announced, readError } = accepted;
    const { resume } = announcements;
    this.checkpointed = resume;
    const duration = this.runsToTheEnd ? accepted.duration : null;
    const place = { progress, speed, announced, resume, obstacle, duration, readError };
    return { type: 'checkpoint', jobId: spec.jobId, attempt, ...place };
  }

  get logFields(): object {
    const { jobId, session, jobClass, title } = this.spec;
    return { jobId, session, class: jobClass, title, attempt: this.attempt, worker: this.worker };
  }

  /** For the relay after this one; null while PMS has accepted nothing that it would need. */
  get record(): Accepted | null {
    const { passed: documents } = this.announcements;
    const { attempt, spec, accepted } = this;
    return documents.length === 0
      ? null
      : { jobId: spec.jobId, attempt, duration: accepted.duration, documents };
  }

  get hasStdout(): boolean {
    return this.#stdout > 0;
  }

  /** Whether the hook was passed everything that the job's last attempt has written. */
  get isDelivered(): boolean {
    return this.missing.stdout + this.missing.stderr === 0;
  }

  /** Bytes of the last attempt that have not come. */
  get missing(): Readonly<Record<OutputStream, number>> {
    const { stdoutBytes = 0, stderrBytes = 0 } = this.outcome ?? {};
    if (this.#outputAttempt !== this.attempt) return { stdout: stdoutBytes, stderr: stderrBytes };
    const passed = this.#delivered - this.#base;
    return {
      stdout: Math.max(0, stdoutBytes - this.#stdout),
      stderr: Math.max(0, stderrBytes - (passed - this.#stdout)),
    };
  }
}
