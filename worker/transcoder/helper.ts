import { type ChildProcess, spawn } from 'node:child_process';
import { type BackoffLimits, backoffMs } from '#shared/backoff.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import { sendSignal } from './marked.ts';

const RESTART: BackoffLimits = { firstMs: 100, lastMs: 10_000 };

export interface HelperSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface HelperOptions extends HelperSurroundings {
  /** What `ps` and the log call it. */
  readonly name: string;
  readonly script: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether its stdin is a pipe, which ends with the worker. */
  readonly endsWithWorker: boolean;
  /** What it writes to stdout; without this, nobody listens. */
  output?(text: string): void;
  /** It has ended, or could not be started, and is started again. */
  ended?(): void;
}

/** A shell script beside the worker, in a process group of its own, started again whenever it is not there. */
export class Helper {
  readonly #options: HelperOptions;
  #child: ChildProcess | null = null;
  #restart: Timer | null = null;
  #failures = 0;
  #stopped = false;

  constructor(options: HelperOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    const { name, script, words, env, endsWithWorker, output, clock } = this.#options;
    const startedAt = clock.now();
    try {
      const child = spawn('/bin/sh', ['-c', script, name, ...words], {
        cwd: '/',
        detached: true,
        env,
        stdio: [endsWithWorker ? 'pipe' : 'ignore', output ? 'pipe' : 'ignore', 'ignore'],
      });
      this.#child = child;
      child.on('error', (error) => {
        // Without a pid it never ran, and no exit will say so.
        if (child.pid === undefined) this.#ended({ err: error }, startedAt);
      });
      child.on('exit', (code, signal) => this.#ended({ code, signal }, startedAt));
      // The pipe breaks when the helper is killed; its exit says so, too.
      child.stdin?.on('error', () => undefined);
      child.stdout?.on('data', (data) => output?.(String(data)));
      child.unref();
    } catch (error) {
      this.#ended({ err: coerceError(error) }, startedAt);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#restart?.cancel();
    if (this.pid !== null) sendSignal(-this.pid, 'SIGKILL');
  }

  #ended(why: object, startedAt: number): void {
    this.#child = null;
    if (this.#stopped) return;
    const { name, clock, random, logger } = this.#options;
    if (clock.now() - startedAt >= RESTART.lastMs) this.#failures = 0;
    const ms = backoffMs(this.#failures, random(), RESTART);
    this.#failures += 1;
    logger.warn({ ...why, restartMs: Math.round(ms) }, `${name} is not running, and is started again`);
    this.#restart = clock.after(ms, () => this.start());
    this.#options.ended?.();
  }
}
