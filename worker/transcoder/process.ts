import { setPriority } from 'node:os';
import { readable, shortened } from '#shared/bytes.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { EndSignal } from '#shared/job.ts';
import type { OutputStream } from '#shared/protocol/messages.ts';
import { isExiting } from './exiting.ts';
import type { FenceWatch } from './fence.ts';
import { flush } from './flush.ts';
import { type Command, type Launched, launch } from './launch.ts';
import { sendSignal, signalMarked } from './marked.ts';
import { ATTEMPT_VARIABLE } from './owner.ts';

/** How long a launch may take: entering a cwd on a healthy mount takes milliseconds. */
const LAUNCH_DEADLINE_MS = 10_000;

/** As `nice` counts: the worker has 0. */
const TRANSCODER_PRIORITY = 5;

/** A path in a message is for people. */
const QUOTED_LENGTH = 300;

/** How long what was killed may take to end; then it is looked at, again and again. */
const DEATH_MS = 1_000;

/** How often all processes are searched for what belongs to it: each search reads what every one of them was given. */
const SEARCHES = 3;

/** How long a pipe may stay open after the transcoder has ended: somebody it left behind holds it. */
const PIPE_DEADLINE_MS = 1_000;

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** SIGKILL had to end it. */
  readonly forced: boolean;
  /** Another attempt owns the job now. */
  readonly superseded: boolean;
}

export interface ProcessHandlers {
  /** The transcoder runs. */
  started(): void;
  output(stream: OutputStream, data: Buffer): void;
  /**
   * It does not run and never will; nothing is called afterwards.
   *
   * @param superseded because another attempt owns the job
   */
  failed(reason: string, superseded: boolean): void;
  /** It has ended, with everything it started, and all its output was handed on; nothing is called afterwards. */
  ended(end: ProcessEnd): void;
}

export interface ProcessOptions {
  readonly command: Command;
  /** Value of ATTEMPT_VARIABLE in the command's env. */
  readonly mark: string;
  readonly killGraceMs: number;
  readonly clock: Clock;
  readonly fence: FenceWatch;
  readonly handlers: ProcessHandlers;
}

/** What the owner of a transcoder sees of it. */
export interface RunningTranscoder {
  readonly pid: number | null;
  hold(held: boolean): void;
  end(signal: EndSignal | 'SIGKILL'): void;
}

/**
 * One transcoder and its whole tree: its process group, and whoever carries its mark.
 *
 * - *launching*: the shell is to become the transcoder. Left by the end of its report, a failure, or the deadline.
 * - *running*: left by the transcoder's exit.
 * - *exited*: what it left behind is ended and the pipes run dry.
 * - *over*: the handlers have been told.
 */
export class TranscoderProcess implements RunningTranscoder {
  readonly #options: ProcessOptions;
  readonly #launched: Launched;
  #mode: 'launching' | 'running' | 'exited' | 'over' = 'launching';
  #report = '';
  #forced = false;
  #timer: Timer | null = null;
  #launchTimer: Timer | null = null;
  #ending = false;
  #flushing = false;
  /** Exit, end of the report and end of the pipes come in any order. */
  #reported = false;
  #exit: Pick<ProcessEnd, 'exitCode' | 'signal'> | null = null;
  #drained = false;

  /** @throws when the command is one that nothing can be started with */
  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#launched = launch(options.command);
    if (this.pid !== null) giveWay(this.pid);
    const { child, stdout, stderr, report } = this.#launched;
    const { handlers, clock } = options;
    child.once('error', (error) => this.#fail(`the transcoder could not be started: ${error.message}`));
    child.once('exit', (exitCode, signal) => {
      this.#exit = { exitCode, signal };
      this.#advance();
    });
    child.once('close', () => {
      this.#drained = true;
      this.#advance();
    });
    stdout.on('data', (data: Buffer) => handlers.output('stdout', data));
    stderr.on('data', (data: Buffer) => handlers.output('stderr', data));
    report.on('data', (data: Buffer) => {
      this.#report += data.toString();
    });
    report.once('close', () => {
      this.#reported = true;
      this.#advance();
    });
    // A pipe that breaks has ended; the process's own end says the rest.
    for (const stream of [stdout, stderr, report]) stream.on('error', () => undefined);
    // Whoever ends it meanwhile must not wait for that cwd, either.
    this.#launchTimer = clock.after(LAUNCH_DEADLINE_MS, () => {
      this.#signalTree('SIGKILL');
      this.#fail(`cwd does not answer within ${LAUNCH_DEADLINE_MS} ms`);
    });
  }

  /** Null when it could not be started at all. */
  get pid(): number | null {
    return this.#launched.child.pid ?? null;
  }

  /** Stops reading the transcoder's output, until it stops writing; or reads on. */
  hold(held: boolean): void {
    const { stdout, stderr } = this.#launched;
    for (const stream of [stdout, stderr]) {
      if (held) stream.pause();
      else stream.resume();
    }
  }

  /** Ends the whole tree: with the signal, and with SIGKILL when the grace period is over. */
  end(signal: EndSignal | 'SIGKILL'): void {
    if (this.#ending || this.#mode === 'over') return;
    this.#ending = true;
    if (this.#mode === 'exited') return;
    this.#timer?.cancel();
    // A stopped process would keep the signal waiting.
    this.#signalTree(signal);
    this.#signalTree('SIGCONT');
    if (signal === 'SIGKILL') {
      this.#awaitDeath();
      return;
    }
    this.#timer = this.#options.clock.after(this.#options.killGraceMs, () => {
      this.#forced = true;
      this.#signalTree('SIGKILL');
      this.#awaitDeath();
    });
  }

  /** Whoever waits for a successor must not wait for a file server that hangs. */
  #awaitDeath(searches = SEARCHES): void {
    this.#timer = this.#options.clock.after(DEATH_MS, () => {
      if (searches > 0) this.#signalTree('SIGKILL');
      else if (this.pid !== null) sendSignal(-this.pid, 'SIGKILL');
      if (!this.#flushing && this.pid !== null && isExiting(this.pid)) this.#awaitFlush();
      this.#awaitDeath(searches - 1);
    });
  }

  /** It writes no more. What it wrote must not reach the file server after what its successor writes. */
  #awaitFlush(): void {
    this.#flushing = true;
    flush(this.#options.command.cwd, () => {
      this.#exit ??= { exitCode: null, signal: 'SIGKILL' };
      this.#advance();
    });
  }

  #advance(): void {
    if (this.#mode === 'launching' && this.#reported) this.#onReport();
    if (this.#mode === 'running' && this.#exit) {
      this.#mode = 'exited';
      this.#timer?.cancel();
      this.#endRemains();
      this.#awaitPipes();
    }
    if (this.#mode === 'exited' && this.#drained) this.#end();
  }

  #onReport(): void {
    const { file, cwd } = this.#options.command;
    if (this.#report === '') {
      this.#onStart();
    } else if (this.#report.startsWith('superseded')) {
      this.#fail('another attempt owns the job', true);
    } else if (this.#report.startsWith('owner')) {
      this.#fail(`cwd ${readable(cwd)} can't be written as this user`);
    } else if (this.#report.startsWith('link ')) {
      const place = shortened(this.#report.slice('link '.length), QUOTED_LENGTH);
      this.#fail(`${place} leads out of the mounts of this worker by a link (setting MOUNTS)`);
    } else if (this.#report.startsWith('cwd')) {
      const place = readable(cwd);
      this.#fail(
        `cwd ${place} does not exist here, or may not be entered: is the volume mounted, and in MOUNTS?`,
      );
    } else {
      this.#fail(`${file} is not an executable file: correct TRANSCODER_PATH, TRANSCODER_NAME`);
    }
  }

  #onStart(): void {
    const { command, fence, handlers } = this.#options;
    try {
      if (this.pid !== null) fence.watch(this.pid, command.cwd, command.ownership);
    } catch (error) {
      this.#signalTree('SIGKILL');
      this.#fail(`the fence can't watch it: ${coerceError(error).message}`);
      return;
    }
    this.#launchTimer?.cancel();
    this.#mode = 'running';
    handlers.started();
  }

  /** A held pipe is full of output that the hook has yet to get; only one that is read, or that nobody wants, is overdue. */
  #awaitPipes(): void {
    const { stdout, stderr } = this.#launched;
    this.#timer = this.#options.clock.after(PIPE_DEADLINE_MS, () => {
      if (!this.#ending && (stdout.isPaused() || stderr.isPaused())) {
        this.#awaitPipes();
        return;
      }
      signalMarked(ATTEMPT_VARIABLE, this.#options.mark, 'SIGKILL');
      stdout.destroy();
      stderr.destroy();
      this.#end();
    });
  }

  #end(): void {
    if (this.#mode !== 'exited' || !this.#exit) return;
    this.#mode = 'over';
    this.#timer?.cancel();
    const { fence, command, handlers } = this.#options;
    const superseded = this.pid !== null && fence.unwatch(this.pid, command.ownership);
    handlers.ended({ ...this.#exit, forced: this.#forced, superseded });
  }

  #fail(reason: string, superseded = false): void {
    if (this.#mode === 'over') return;
    this.#mode = 'over';
    this.#timer?.cancel();
    this.#launchTimer?.cancel();
    this.#options.handlers.failed(reason, superseded);
  }

  #signalTree(signal: NodeJS.Signals): void {
    if (this.pid !== null) sendSignal(-this.pid, signal);
    if (signal === 'SIGKILL') signalMarked(ATTEMPT_VARIABLE, this.#options.mark, signal);
  }

  /** The transcoder is gone; what it started goes with it. Who asked for its end pays for the thorough search. */
  #endRemains(): void {
    if (this.pid !== null) sendSignal(-this.pid, 'SIGKILL');
    if (this.#ending) signalMarked(ATTEMPT_VARIABLE, this.#options.mark, 'SIGKILL');
  }
}

/** The worker has to stay responsive beside it. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, TRANSCODER_PRIORITY);
  } catch {
    // It has ended already, which its exit says.
  }
}
