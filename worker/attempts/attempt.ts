import { posix } from 'node:path';
import { keyOfElement, type Splice, splicesBetween } from '#shared/argv/splice.ts';
import { latin1 } from '#shared/bytes.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import {
  type AttemptPhase,
  type AttemptStatus,
  type Change,
  type EndSignal,
  type GpuFailure,
  type JobSpec,
  type Outcome,
  outcomeWithoutProcess,
  type Resume,
  withoutSecrets,
} from '#shared/job.ts';
import { JobSecrets } from '#shared/jobSecrets.ts';
import type { Logger } from '#shared/logger.ts';
import type { Output } from '#shared/protocol/messages.ts';
import { type AttemptRecord, STDERR_TAIL_BYTES } from '#shared/protocol/record.ts';
import type { HardwareRequirement } from '#shared/requirements.ts';
import { Tail } from '#shared/tail.ts';
import type { AdaptedCommand } from '../adapt/command.ts';
import { GpuFailureWatch } from '../gpu/failure.ts';
import { ATTEMPT_VARIABLE } from '../transcoder/owner.ts';
import type { ProcessEnd, ProcessOptions, RunningTranscoder } from '../transcoder/process.ts';
import { LastWords } from './lastWords.ts';
import { namedFiles } from './namedFiles.ts';
import { type OutputChunk, OutputWindow } from './outputWindow.ts';
import { ReadErrorWatch } from './readErrorWatch.ts';
import { type Signs, Stillness } from './stillness.ts';

/** How much longer than its grace period a predecessor may take to end: one that hangs on storage never does. */
const PREDECESSOR_MS = 5_000;

export interface AttemptContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly killGraceMs: number;
  /** Why no job can run here now, though it may elsewhere, or here later; or null. */
  whyNotNow(): string | null;
  /** Why the job may not run here, or null. */
  whyRefused(job: JobSpec): string | null;
  /** The job as this worker runs it, from where it goes on. */
  commandOf(given: GivenJob, attempt: number): AdaptedCommand;
  /** Starts a transcoder. */
  run(options: Omit<ProcessOptions, 'fence'>): RunningTranscoder;
  send(output: Output): void;
  record(record: AttemptRecord): void;
  /** Whether this process tree gets on. */
  signsOf(pid: number): Signs;
  /** A transcoder failed because of the GPU. */
  gpuFailed(failure: GpuFailure): void;
  /** A transcoder was killed since another attempt owns its job. */
  fenceKilled(): void;
  /** The status of the attempt is another now. */
  changed(): void;
  /** The attempt has another phase now; must not throw and must not change anything. */
  readonly observe?: (attempt: Attempt) => void;
}

/** What an attempt is to run. */
export interface GivenJob {
  readonly job: JobSpec;
  readonly resume: Resume | null;
  /** Without hardware. */
  readonly software: boolean;
  /** With this encoder, if this worker can. */
  readonly encoder: string | null;
  /** On this card, if it can there. */
  readonly gpu: string | null;
}

/** One run of a job on this worker: prepared, running, ended with an outcome. */
export class Attempt {
  readonly job: JobSpec;
  readonly number: number;
  readonly #given: GivenJob;
  readonly #context: AttemptContext;
  readonly #logger: Logger;
  readonly #output = new OutputWindow();
  readonly #lastWords = new LastWords((line) => new JobSecrets(this.job, []).text(line));
  readonly #gpuWatch = new GpuFailureWatch();
  #readErrors: ReadErrorWatch | null = null;
  readonly #stillness: Stillness;
  #phase: AttemptPhase = 'preparing';
  #outcome: Outcome | null = null;
  #process: RunningTranscoder | null = null;
  #waiting: Timer | null = null;
  #files: readonly string[] = [];
  #changes: readonly Change[] = [];
  #hardware: HardwareRequirement | null = null;
  #splices: readonly Splice[] = [];
  /** Its stderr, while nobody else is to have that. */
  #kept: Tail | null = null;
  #asked = false;
  #givenUp: string | null = null;

  constructor(given: GivenJob, number: number, context: AttemptContext) {
    const { job } = given;
    this.job = job;
    this.#given = given;
    this.number = number;
    this.#context = context;
    const look = (): Signs => {
      // It waits for its hook's reader.
      const waits = this.#output.isFull || this.pid === null;
      return waits ? { standing: null, traffic: null } : context.signsOf(this.pid);
    };
    this.#stillness = new Stillness(context.clock, look, context.changed);
    const { jobId, session, title } = job;
    this.#logger = context.logger.child({ jobId, session, attempt: number, title });
    context.observe?.(this);
  }

  get phase(): AttemptPhase {
    return this.#phase;
  }

  get status(): AttemptStatus {
    const { jobId } = this.job;
    const still = this.#stillness.isStill && { still: true };
    const command = { changes: [...this.#changes], hardware: this.#hardware, ...still };
    return { jobId, attempt: this.number, phase: this.#phase, ...command, outcome: this.#outcome };
  }

  /** Its directory and what its command names, as they are here; empty before it runs. */
  get files(): readonly string[] {
    return this.#files;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    if (this.#phase !== 'preparing' || this.#process) return;
    this.#waiting?.cancel();
    const problem = this.#context.whyNotNow();
    if (problem !== null) {
      this.#end(outcomeWithoutProcess('lost', problem));
      return;
    }
    const refusal = this.#context.whyRefused(this.job);
    if (refusal !== null) {
      this.#end(outcomeWithoutProcess('refused', refusal));
      return;
    }
    const { clock, killGraceMs } = this.#context;
    const mark = `${this.job.jobId} ${this.number}`;
    try {
      const { command, changes, hardware, silent } = this.#context.commandOf(this.#given, this.number);
      // It names its inputs as this worker does.
      this.#readErrors = new ReadErrorWatch(command.argv);
      this.#files = filesOf(command);
      this.#changes = changes;
      this.#hardware = hardware;
      this.#splices = splicesBetween(this.job.argv, command.argv, keyOfElement);
      this.#kept = silent ? new Tail(STDERR_TAIL_BYTES) : null;
      this.#process = this.#context.run({
        command: { ...command, env: { ...command.env, [ATTEMPT_VARIABLE]: mark } },
        mark,
        killGraceMs,
        clock,
        handlers: {
          started: () => this.#started(),
          output: (stream, data) => {
            if (stream === 'stderr') this.#overhear(data);
            if (stream === 'stderr' && this.#kept) this.#kept.add(data);
            else this.#sendAll(this.#output.add(stream, data));
          },
          failed: (reason, superseded) => {
            this.#end(outcomeWithoutProcess(superseded ? 'lost' : 'refused', reason));
          },
          ended: (end) => this.#processEnded(end),
        },
      });
      this.#record();
    } catch (error) {
      this.#end(outcomeWithoutProcess('refused', `it can't be started: ${coerceError(error).message}`));
    }
  }

  /** An earlier attempt has to end first. One that can't be ended must not keep the job from other workers. */
  wait(): void {
    const { clock, killGraceMs } = this.#context;
    this.#waiting ??= clock.after(killGraceMs + PREDECESSOR_MS, () => {
      if (!this.#process) this.giveUp('an earlier attempt of the job does not end on this worker');
    });
  }

  /** Ends it, for the one who waits for it. */
  end(signal: EndSignal): void {
    this.#asked = true;
    if (this.#process) this.#process.end(signal);
    else this.#end(outcomeWithoutProcess('cancelled', 'cancelled before it started'));
  }

  /**
   * Ends it so that another worker may go on. At once: asked to end, ffmpeg closes and announces the segment that it is in
   * the middle of, and nobody could tell that one from a whole one that lacks a picture or two.
   */
  giveUp(reason: string): void {
    this.#givenUp = reason;
    if (this.#process) this.#process.end('SIGKILL');
    else this.#end(outcomeWithoutProcess('lost', reason));
  }

  /** The hook has the output before `offset`; with `again` it did not get the rest. */
  received(offset: number, again: boolean): void {
    this.#output.acknowledge(offset);
    if (again) this.resend();
    this.#process?.hold(this.#output.isFull);
  }

  /** What was sent on a connection that is gone may not have arrived. */
  resend(): void {
    this.#sendAll(this.#output.unacknowledged);
    this.#record();
  }

  #started(): void {
    this.#phase = 'running';
    this.#stillness.watch();
    this.#logger.info({ pid: this.pid }, 'transcoder started');
    this.#context.observe?.(this);
    this.#context.changed();
  }

  #overhear(stderr: Buffer): void {
    this.#readErrors?.look(stderr);
    this.#gpuWatch.add(stderr);
    this.#lastWords.add(stderr);
  }

  #sendAll(chunks: readonly OutputChunk[]): void {
    const { jobId } = this.job;
    for (const { offset, stream, data } of chunks) {
      const attempt = this.number;
      this.#context.send({ type: 'output', jobId, attempt, offset, stream, data: data.toString('base64') });
    }
    if (this.#output.isFull) this.#process?.hold(true);
  }

  /** For people: nobody acknowledges it, and none follows where there is nothing to tell. */
  #record(): void {
    const kept = this.#phase === 'ended' && this.#kept ? this.#kept.bytes : null;
    if (this.#splices.length === 0 && !kept?.length) return;
    this.#context.record({
      ...{ type: 'record', jobId: this.job.jobId, attempt: this.number },
      ...(this.#splices.length > 0 && { splices: [...this.#splices] }),
      ...(kept?.length && { stderr: kept.toString('base64') }),
    });
  }

  #processEnded({ exitCode, signal, forced, superseded }: ProcessEnd): void {
    const { stdout: stdoutBytes, stderr: stderrBytes } = this.#output.written;
    const readError = this.#readErrors?.found ?? null;
    const failed = exitCode !== 0 && !this.#asked && this.#givenUp === null;
    // ffmpeg also says such things and goes on in software.
    const gpuFailure = failed ? this.#gpuWatch.found : null;
    if (gpuFailure) this.#context.gpuFailed(gpuFailure);
    const ended = { exitCode, signal, forced, stdoutBytes, stderrBytes, readError };
    const how = { ...ended, ...(gpuFailure && { gpuFailure }) };
    if (superseded) {
      this.#givenUp = 'another attempt owns the job';
      this.#context.fenceKilled();
    }
    if (this.#givenUp !== null) this.#end({ ...how, reason: 'lost', message: this.#givenUp });
    else {
      const message = failed ? this.#lastWords.text : null;
      this.#end({ ...how, reason: this.#asked ? 'cancelled' : 'exited', message });
    }
  }

  #end(outcome: Outcome): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#outcome = withoutSecrets(outcome, new JobSecrets(this.job, []));
    this.#waiting?.cancel();
    this.#stillness.stop();
    // Before the end is told.
    if (this.#kept?.bytes.length) this.#record();
    const { reason, exitCode, signal, forced, message } = this.#outcome;
    this.#logger.info({ reason, exitCode, signal, forced, message }, 'attempt ended');
    this.#context.observe?.(this);
    this.#context.changed();
  }
}

function filesOf({ argv, cwd }: AdaptedCommand['command']): string[] {
  const directory = latin1(cwd);
  const named = namedFiles(argv, directory).flatMap((file) => ('path' in file ? [file.path] : []));
  return [directory, ...named].map((path) => posix.normalize(Buffer.from(path, 'latin1').toString()));
}
