import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import { type JobSpec, outputBytes } from '#shared/job.ts';
import type { Logger } from '#shared/logger.ts';
import type { OpenLink } from '#shared/protocol/link.ts';
import type { Message, RelayHello, Status } from '#shared/protocol/messages.ts';
import { VERSION } from '#shared/version.ts';
import type { ReceivedLine, SignalLine } from '../hookProtocol.ts';
import { INTERNAL, NO_WORKER, signalCode, type Verdict, verdictOf } from './exit.ts';
import type { HeldJob, Position } from './heldJob.ts';

/** How long the end of a job waits for output that is still on its way, after a connection broke. */
const OUTPUT_DEADLINE_MS = 10_000;
/** How long a running job waits for an orchestrator that stays away. */
const AWAY_LIMIT_MS = 60_000;
const CHECKPOINT_INTERVAL_MS = 1_000;

export interface JobsOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openLink: OpenLink<'relay'>;
  /** Ends what may run of a job of which the orchestrator can't be told. */
  readonly fence: (job: JobSpec) => void;
  /** How long a new job waits for a connection to the orchestrator. */
  readonly waitMs: { readonly local: number; readonly remoteOnly: number };
}

/** The jobs whose hooks this relay holds, and the one connection over which the orchestrator hears of them. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #link: ReturnType<OpenLink<'relay'>>;
  readonly #instance = randomUUID();
  readonly #held = new Map<string, HeldJob>();
  /** What a job waits for: a connection, the rest of its output, or its next checkpoint. */
  readonly #timers = new Map<string, Timer>();

  #stopped = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#link = options.openLink({
      hello: () => this.#hello(),
      message: (message) => this.#onMessage(message),
      lost: () => this.#lost(),
    });
  }

  get held(): Iterable<HeldJob> {
    return this.#held.values();
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
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** A hook brought a job. */
  hold(job: HeldJob): void {
    const { jobId } = job.spec;
    this.#held.get(jobId)?.hook.close();
    this.#held.set(jobId, job);
    job.hook.send({ type: 'accepted' });
    if (this.#link.up) this.#submit(job);
    else this.#awaitConnection(job);
  }

  /** The hook is gone: so is the job. */
  hookClosed(job: HeldJob): void {
    if (this.#stopped || !this.#holds(job)) return;
    this.#log(job).info('the hook is gone: PMS ended the job');
    this.#drop(job);
  }

  signalled(job: HeldJob, { signal }: SignalLine): void {
    const { jobId } = job.spec;
    job.signal = signal;
    if (this.#link.up) this.#link.send({ type: 'end', jobId, signal });
    else this.#tell(job, { exit: signalCode(signal) }, `PMS sent ${signal}, and the orchestrator is away`);
  }

  received(job: HeldJob, { offset }: ReceivedLine): void {
    job.wrote(offset);
    this.#tellPosition(job, job.position(false));
  }

  #tellPosition({ spec }: HeldJob, position: Position): void {
    this.#link.send({ type: 'received', jobId: spec.jobId, ...position });
  }

  /** PMS has accepted something of this job. Told at once when it is a segment, else at most once a second. */
  accepted(job: HeldJob): void {
    const key = `checkpoint:${job.spec.jobId}`;
    if (this.#timers.has(key) && job.checkpointed === job.announcements.resume) {
      job.checkpointDue = true;
      return;
    }
    job.checkpointDue = false;
    this.#checkpoint(job);
    this.#after(key, CHECKPOINT_INTERVAL_MS, () => {
      if (job.checkpointDue) this.accepted(job);
    });
  }

  #hello(): RelayHello {
    const { name } = this.#options;
    return { type: 'hello', version: VERSION, name, instance: this.#instance, jobs: [...this.#held.keys()] };
  }

  #onMessage(message: Message<'orchestratorToRelay'>): void {
    if (message.type === 'welcome') {
      for (const job of this.#held.values()) {
        job.resync = job.submitted;
        this.#submit(job);
      }
      return;
    }
    const job = this.#held.get(message.jobId);
    if (!job) return;
    if (message.type === 'status') {
      this.#onStatus(job, message);
      return;
    }
    const position = job.deliver(message);
    if (position) this.#tellPosition(job, position);
    this.#finishIfDelivered(job);
  }

  #onStatus(job: HeldJob, { attempt, worker, state, outcome }: Status): void {
    const moved = attempt !== job.attempt || (worker !== null && worker !== job.worker);
    if (attempt > job.attempt && job.attempt > 0) {
      job.announcements.attemptChanged();
      job.accepted.attemptChanged();
    }
    job.attempt = attempt;
    job.worker = worker ?? job.worker;
    if (moved) this.#log(job).info({ state }, 'job placed');
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
    if (!this.#holds(job)) return;
    this.#after(`output:${job.spec.jobId}`, OUTPUT_DEADLINE_MS, () => this.#outputLost(job));
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
    const verdict = verdictOf(job.outcome, job.spec.local && !job.hasStdout);
    this.#tell(job, verdict, job.outcome.message ?? job.outcome.reason);
  }

  /** The last word to a hook. */
  #tell(job: HeldJob, verdict: Verdict, reason: string): void {
    // It was told already, and what it still had to say crossed that.
    if (!this.#holds(job)) return;
    const log = this.#log(job);
    if ('local' in verdict) {
      log.warn({ reason }, 'no worker ran it: the hook runs it locally');
      job.hook.send({ type: 'local', reason: verdict.local });
    } else {
      log[verdict.exit === 0 ? 'info' : 'warn']({ exitCode: verdict.exit, reason }, 'job ended');
      job.hook.send({ type: 'exit', code: verdict.exit });
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
    if (!this.#link.up && job.submitted && !job.outcome) this.#fence(job);
    for (const what of ['connection', 'output', 'checkpoint']) this.#cancel(`${what}:${jobId}`);
    this.#link.send({ type: 'release', jobId });
  }

  #fence(job: HeldJob): void {
    try {
      this.#options.fence(job.spec);
    } catch (error) {
      this.#log(job).debug({ err: coerceError(error) }, 'the directory of the job is gone');
    }
  }

  #submit(job: HeldJob): void {
    this.#cancel(`connection:${job.spec.jobId}`);
    // What a worker may be running is waited for before it is placed anew.
    const attempt = Math.max(job.attempt, job.mayRunElsewhere ? 1 : 0);
    job.submitted = true;
    this.#link.send({ type: 'submit', job: job.spec, attempt });
    if (job.accepted.progress !== null || job.announcements.resume !== null) this.#checkpoint(job);
    if (job.signal) this.#link.send({ type: 'end', jobId: job.spec.jobId, signal: job.signal });
  }

  /**
   * No orchestrator: a viewer does not wait long for it. But what may run on a worker goes on without us, and must not get
   * a second writer beside it; its hook waits for longer, and not for ever.
   */
  #awaitConnection(job: HeldJob): void {
    const { local, remoteOnly } = this.#options.waitMs;
    const mayRunHere = job.spec.local && !job.mayRunElsewhere;
    const ms = job.mayRunElsewhere ? AWAY_LIMIT_MS : mayRunHere ? local : remoteOnly;
    this.#after(`connection:${job.spec.jobId}`, ms, () => {
      const reason = `no orchestrator for ${ms} ms: see ORCHESTRATOR_URL, the token, and its log`;
      this.#tell(job, mayRunHere ? { local: reason } : { exit: NO_WORKER }, reason);
    });
  }

  #lost(): void {
    for (const job of this.#held.values()) this.#awaitConnection(job);
  }

  #checkpoint(job: HeldJob): void {
    if (job.attempt === 0) return;
    const { accepted, announcements, attempt, spec, obstacle } = job;
    const { progress, speed, announced, readError } = accepted;
    const duration = job.runsToTheEnd ? accepted.duration : null;
    const { resume } = announcements;
    job.checkpointed = resume;
    const place = { progress, speed, announced, resume, obstacle, duration, readError };
    this.#link.send({ type: 'checkpoint', jobId: spec.jobId, attempt, ...place });
  }

  #after(key: string, ms: number, call: () => void): void {
    this.#cancel(key);
    const timer = this.#options.clock.after(ms, () => {
      this.#timers.delete(key);
      call();
    });
    this.#timers.set(key, timer);
  }

  #cancel(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #log({ spec, attempt, worker }: HeldJob): Logger {
    return this.#options.logger.child(logFields(spec, attempt, worker));
  }
}

function logFields({ jobId, session, jobClass, title }: JobSpec, attempt: number, worker: string | null) {
  return { jobId, session, class: jobClass, title, attempt, worker };
}
