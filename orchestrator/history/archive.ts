import { Worker } from 'node:worker_threads';
import type { KeptRecord } from '#shared/api/records.ts';
import type { JobStoryView, JobView } from '#shared/api/schemas.ts';
import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import type { HistoryPage, HistoryQuery } from './query.ts';

/** A disk that hangs must not make anybody wait for longer. */
const PATIENCE_MS = 5_000;
/** A thread that ended is started again after so long, and after twice that each time that it does not answer either. */
const RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 300_000;

export interface ThreadSettings {
  readonly path: string;
  readonly days: number;
  readonly megabytes: number;
}

export type Question =
  /** With `more` to come they are only gathered: to write many together takes a fifth of the time. */
  | {
      readonly type: 'write';
      readonly jobs: readonly JobStoryView[];
      /** Of those of them that ended badly. */
      readonly records: readonly KeptRecord[];
      readonly more: boolean;
    }
  | { readonly type: 'search'; readonly query: HistoryQuery }
  | { readonly type: 'story'; readonly jobId: string }
  | { readonly type: 'record'; readonly jobId: string }
  | { readonly type: 'close' };

/** What was asked for; of a question that asks for nothing, nothing. */
export interface Answer {
  readonly page?: HistoryPage<JobView>;
  readonly story?: JobStoryView | null;
  readonly record?: KeptRecord | null;
}

export type ThreadMessage =
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly type: 'problem'; readonly id: number; readonly problem: string }
  | { readonly type: 'damaged'; readonly aside: string; readonly problem: string };

/** Keeps ended jobs for longer than this process lives. */
export interface Archive {
  /** Fails when it can't, and when that takes too long. */
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** An SQLite file, in a thread of its own: SQLite waits for the disk, and dispatch must not. */
export class ArchiveThread implements Archive {
  readonly #settings: ThreadSettings;
  readonly #logger: Logger;
  readonly #program: URL;
  readonly #clock: Clock;
  /** Null when it ended, or could not be started. */
  #thread: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  /** Questions that were given up, and that the thread may still be busy with. */
  readonly #overdue = new Set<number>();
  #questions = 0;
  /** Why there is none, and when it may be started again. */
  #problem = '';
  #again = 0;
  #restartMs = RESTART_MS;

  constructor(
    settings: ThreadSettings,
    clock: Clock,
    logger: Logger,
    program = new URL('thread.ts', import.meta.url),
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#logger = logger;
    this.#program = program;
    this.#start();
  }

  async ask(question: Question): Promise<Answer> {
    if (!this.#thread && this.#clock.now() >= this.#again) this.#start();
    if (!this.#thread) throw new Error(this.#problem);
    if (this.#overdue.size > 0) throw new Error(`it does not answer within ${PATIENCE_MS} ms`);
    const id = this.#questions++;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, { resolve, reject });
    const patience = this.#clock.after(PATIENCE_MS, () => {
      this.#overdue.add(id);
      reject(new Error(`it does not answer within ${PATIENCE_MS} ms`));
    });
    this.#thread.postMessage({ id, question });
    try {
      return await promise;
    } finally {
      patience.cancel();
    }
  }

  async close(): Promise<void> {
    await this.ask({ type: 'close' });
    await this.#thread?.terminate();
  }

  /** The machine may have no room for it now. */
  #start(): void {
    try {
      this.#thread = this.#started();
    } catch (error) {
      this.#failed(`its thread can't be started: ${coerceError(error).message}`);
    }
  }

  #started(): Worker {
    const thread = new Worker(this.#program, { workerData: this.#settings });
    // It never keeps the process from ending.
    thread.unref();
    thread.on('message', (message: ThreadMessage) => {
      if (message.type === 'damaged') {
        const { aside, problem } = message;
        const { path } = this.#settings;
        this.#logger.warn({ path, aside, problem }, 'the history was damaged: a new one is begun');
      } else {
        this.#answered(message);
      }
    });
    thread.on('error', (error) => this.#threadEnded(thread, `its thread failed: ${error.message}`));
    thread.on('exit', () => this.#threadEnded(thread, 'its thread ended'));
    return thread;
  }

  #answered(message: Extract<ThreadMessage, { id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#overdue.delete(message.id);
    this.#restartMs = RESTART_MS;
    if (message.type === 'answer') waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.problem));
  }

  #threadEnded(thread: Worker, problem: string): void {
    if (thread === this.#thread) this.#failed(problem);
  }

  #failed(problem: string): void {
    this.#thread = null;
    this.#problem = problem;
    this.#again = this.#clock.now() + this.#restartMs;
    this.#restartMs = Math.min(2 * this.#restartMs, LONGEST_RESTART_MS);
    this.#overdue.clear();
    for (const { reject } of this.#waiting.values()) reject(new Error(problem));
    this.#waiting.clear();
  }
}
