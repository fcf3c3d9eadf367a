import { randomUUID } from 'node:crypto';
import type { Clock } from '#shared/clock.ts';
import { type JobSpec, outputBytes } from '#shared/job.ts';
import type { Logger } from '#shared/logger.ts';
import type { OpenLink } from '#shared/protocol/link.ts';
import type { Message, RelayHello, Status } from '#shared/protocol/messages.ts';
import { VERSION } from '#shared/version.ts';
import type { ReceivedLine, SignalLine } from '../hookProtocol.ts';
import { INTERNAL, NO_WORKER, signalCode, type Verdict, verdictAlone, verdictOf } from './exit.ts';
import type { HeldJob, Position } from './heldJob.ts';
import { Reports } from './reports.ts';
import { Timers } from './timers.ts';

/** How long the end of a job waits for output that is still on its way, after a connection broke. */
const OUTPUT_DEADLINE_MS = 10_000;
/** A worker looks once a second whether it still owns a job (worker/transcoder/fence.ts). */
const FENCED_MS = 2_000;

export interface JobsOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openLink: OpenLink<'relay'>;
  /** Ends what may run of a job of which the orchestrator can't be told; `done` hears whether it could. */
  readonly fence: (job: JobSpec, done: (fenced: boolean) => void) => void;
  /** The job is no longer held. */
  readonly dropped: (job: HeldJob) => void;
  /** How long a job waits for a connection to the orchestrator: new ones, and what may be running. */
  readonly waitMs: { readonly local: number; readonly remoteOnly: number; readonly running: number };
}

/** The jobs whose hooks this relay holds, and the one connection over which the orchestrator hears of them. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #link: ReturnType<OpenLink<'relay'>>;
  readonly #instance = randomUUID();
  readonly #held = new Map<string, HeldJob>();
  /** What a job waits for: a connection, the rest of its output, its next checkpoint, or the end of another's run. */
  readonly #timers: Timers;
  readonly #reports: Reports;
  #stopped = false;
  #hellos = 0;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock);
    this.#reports = new Reports(this.#timers, (message) => this.#link.send(message));
    this.#link = options.openLink({
      hello: () => this.#hello(),
      message: (message) => this.#onMessage(message),
      lost: () => this.#lost(),
    });
  }

  get held(): Iterable<HeldJob> {
    return this.#held.values();
  }

  holds(jobId: string): boolean {
    return this.#held.has(jobId);
  }

  get connected(): boolean {
    return this.#link.up;
  }

  start(): void {
    this.#link.start();
  }

  /** Its hooks are left to the next relay. */
  stop(): void {
    this.#stopped = true;
    this.#link.stop();
    this.#timers.cancelAll();
  }

  /** A hook brought a job. */
  hold(job: HeldJob): void {
    const { jobId } = job.spec;
    this.#held.get(jobId)?.hook.close();
    this.#held.set(jobId, job);
    job.hook.send({ type: 'accepted' });
    if (job.isTakenOver) return;
    if (this.#link.up) this.#submit(job);
    else this.#awaitConnection(job);
  }

  /** The hook is gone: so is the job. */
  hookClosed(job: HeldJob): void {
    if (this.#stopped || !this.#holds(job)) return;
    this.#log(job).info('the hook is gone: PMS ended the job, or it ran here and has ended');
    this.#drop(job);
  }

  signalled(job: HeldJob, { signal }: SignalLine): void {
    const { jobId } = job.spec;
    job.signal = signal;
    if (this.#link.up && !job.isTakenOver) this.#link.send({ type: 'end', jobId, signal });
    else this.#tell(job, { exit: signalCode(signal) }, `PMS sent ${signal}, and no orchestrator has the job`);
  }

  received(job: HeldJob, { offset }: ReceivedLine): void {
    job.wrote(offset);
    this.#tellPosition(job, job.position(false));
  }

  #tellPosition({ spec }: HeldJob, position: Position): void {
    this.#link.send({ type: 'received', jobId: spec.jobId, ...position });
  }

  /** PMS has accepted something of this job. */
  accepted(job: HeldJob): void {
    if (!job.isTakenOver) this.#reports.accepted(job);
  }

  /** Its transcoder has called, or has got its answer. */
  called(job: HeldJob): void {
    if (this.#holds(job) && !job.isTakenOver) this.#reports.called(job);
  }

  #hello(): RelayHello {
    const { name } = this.#options;
    // An orchestrator that has one of the others ends what it still has of it.
    const jobs = this.#submittable.map(({ spec }) => spec.jobId);
    const serial = this.#hellos++;
    return { type: 'hello', version: VERSION, name, instance: this.#instance, serial, jobs };
  }

  get #submittable(): HeldJob[] {
    return [...this.#held.values()].filter(({ isTakenOver }) => !isTakenOver);
  }

  #onMessage(message: Message<'orchestratorToRelay'>): void {
    if (message.type === 'welcome') {
      for (const job of this.#submittable) {
        job.resync = job.submitted;
        this.#submit(job);
      }
      return;
    }
    const job = this.#held.get(message.jobId);
    if (!job || job.isTakenOver) return;
    if (message.type === 'status') {
      this.#onStatus(job, message);
      return;
    }
    const position = job.deliver(message);
    if (position) this.#tellPosition(job, position);
    this.#finishIfDelivered(job);
  }

  #onStatus(job: HeldJob, { attempt, worker, state, outcome }: Status): void {
    if (job.placed(attempt, worker)) this.#log(job).info({ state }, 'job placed');
    if (job.isBeyondRepeat && !(outcome && outputBytes(outcome) === 0)) {
      this.#tell(job, { exit: NO_WORKER }, 'it can not start anew: PMS has read some of its output');
      return;
    }
    if (job.resync && attempt > 0 && state !== 'queued') {
      job.resync = false;
      this.#tellPosition(job, job.position(true));
    }
    if (!outcome) return;
    job.outcome = outcome;
    this.#finishIfDelivered(job);
    if (!this.#holds(job) || job.isTakenOver) return;
    this.#timers.set(`output:${job.spec.jobId}`, OUTPUT_DEADLINE_MS, () => this.#outputLost(job));
  }

  /** What PMS can't have on stdout fails the job; on stderr nobody reads it, and the transcoder's word stands. */
  #outputLost(job: HeldJob): void {
    const { stdout, stderr } = job.missing;
    if (stdout > 0) {
      this.#tell(job, { exit: INTERNAL }, 'the end of its output was lost with its worker');
      return;
    }
    this.#log(job).warn({ bytes: stderr }, 'the end of its stderr was lost with its worker');
    this.#finish(job);
  }

  #finishIfDelivered(job: HeldJob): void {
    if (job.outcome && job.isDelivered) this.#finish(job);
  }

  #finish(job: HeldJob): void {
    if (!job.outcome) return;
    const verdict = verdictOf(job.outcome, job.mayRunHere);
    this.#tell(job, verdict, job.outcome.message ?? job.outcome.reason);
  }

  /** The last word to a hook. */
  #tell(job: HeldJob, verdict: Verdict, reason: string): void {
    // It was told already, and what it still had to say crossed that.
    if (!this.#holds(job)) return;
    job.verdict = verdict;
    if ('local' in verdict) {
      this.#takeOver(job, verdict.local);
      return;
    }
    this.#log(job)[verdict.exit === 0 ? 'info' : 'warn']({ exitCode: verdict.exit, reason }, 'job ended');
    job.hook.send({ type: 'exit', code: verdict.exit });
    job.hook.close();
    this.#drop(job);
  }

  /** The hook runs it: at once, unless something may still write, or PMS has something already with which to go on. */
  #takeOver(job: HeldJob, reason: string): void {
    if (!job.mayRunElsewhere || (this.#link.up && job.localArgv === null)) {
      this.#runHere(job, reason);
      return;
    }
    const { jobId } = job.spec;
    job.isTakenOver = true;
    this.#cancelTimers(jobId);
    this.#release(job);
    this.#log(job).warn({ reason }, 'taken over: it goes on here once nobody else writes');
    this.#fence(job, reason);
  }

  /** Until it is fenced a worker may write, also one that sees the directory when we don't. */
  #fence(job: HeldJob, reason: string): void {
    this.#options.fence(job.spec, (fenced) => {
      if (this.#stopped || !this.#holds(job)) return;
      const next = fenced ? () => this.#runHere(job, reason) : () => this.#fence(job, reason);
      this.#timers.set(`takeover:${job.spec.jobId}`, FENCED_MS, next);
    });
  }

  #runHere(job: HeldJob, reason: string): void {
    const { localArgv: argv } = job;
    this.#log(job).warn({ reason, resume: argv && job.announcements.resume }, 'the hook runs it locally');
    job.hook.send({ type: 'local', reason, argv: argv && [...argv] });
    if (argv) {
      job.announcements.attemptMayChange();
      return;
    }
    job.hook.close();
    this.#drop(job);
  }

  #holds(job: HeldJob): boolean {
    return this.#held.get(job.spec.jobId) === job;
  }

  #drop(job: HeldJob): void {
    const { jobId } = job.spec;
    this.#held.delete(jobId);
    if (!this.#link.up && job.submitted && !job.outcome && !job.isTakenOver) {
      this.#options.fence(job.spec, () => undefined);
    }
    this.#cancelTimers(jobId);
    this.#release(job);
    this.#options.dropped(job);
  }

  #release({ spec: { jobId }, verdict }: HeldJob): void {
    const onPms = verdict !== null && 'local' in verdict;
    this.#link.send({ type: 'release', jobId, ...(onPms && { onPms }) });
  }

  #cancelTimers(jobId: string): void {
    this.#reports.cancel(jobId);
    for (const what of ['connection', 'output', 'takeover']) this.#timers.cancel(`${what}:${jobId}`);
  }

  #submit(job: HeldJob): void {
    this.#timers.cancel(`connection:${job.spec.jobId}`);
    // What a worker may be running is waited for before it is placed anew.
    const attempt = Math.max(job.attempt, job.mayRunElsewhere ? 1 : 0);
    job.submitted = true;
    const given = job.given && { given: [...job.given] };
    this.#link.send({ type: 'submit', job: job.spec, attempt, ...given });
    this.#reports.submitted(job);
    if (job.signal) this.#link.send({ type: 'end', jobId: job.spec.jobId, signal: job.signal });
  }

  /**
   * No orchestrator: a viewer does not wait long for it. But what may run on a worker goes on without us, and waits for
   * longer, and not for ever.
   */
  #awaitConnection(job: HeldJob): void {
    const { local, remoteOnly, running } = this.#options.waitMs;
    const ms = job.mayRunElsewhere ? running : job.spec.local ? local : remoteOnly;
    this.#timers.set(`connection:${job.spec.jobId}`, ms, () => {
      const reason = `no orchestrator for ${ms} ms: see ORCHESTRATOR_URL, the token, and its log`;
      this.#tell(job, verdictAlone(job, reason), reason);
    });
  }

  #lost(): void {
    for (const job of this.#submittable) {
      job.announcements.attemptMayChange();
      this.#awaitConnection(job);
    }
  }

  #log(job: HeldJob): Logger {
    return this.#options.logger.child(job.logFields);
  }
}
