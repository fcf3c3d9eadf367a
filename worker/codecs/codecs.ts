import { Compile } from 'typebox/compile';
import { type BackoffLimits, backoffMs } from '#shared/backoff.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import type { Environment } from '#shared/settings/read.ts';
import { startTask } from '../task.ts';
import type { Architecture } from './architecture.ts';
import type { FillingOptions } from './filling.ts';
import { NOTHING_KNOWN, Report } from './report.ts';

const PROGRAM = new URL('fill.ts', import.meta.url);
const report = Compile(Report);

/** How soon a set that lacks something is tried again. */
const RETRY: BackoffLimits = { firstMs: 10_000, lastMs: 300_000 };
/** The same when playback does without what it lacks: most likely nobody has that. */
const RETRY_USABLE: BackoffLimits = { firstMs: 60_000, lastMs: 3_600_000 };
/** How often a complete one is looked at, which also says that it is used. */
const LOOK_MS = 21_600_000;
/** How long the worker waits for the first look, which a volume may keep hanging. */
const PATIENCE_MS = 5_000;
/** How often the log tells of progress. */
const LOG_MS = 5_000;
/** Names in a message for people. */
const NAMED = 10;

export interface CodecsOptions {
  /** Null where the transcoder's own codecs are used. */
  readonly filling: FillingOptions | null;
  readonly architecture: Architecture;
  readonly env: Environment;
  readonly mark: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** The set became usable, or is so no more, or another one is complete as far as it can be. */
  changed(): void;
}

/** The codecs of this worker's transcoder: fetched, checked, and named to it. */
export class Codecs {
  readonly #options: CodecsOptions;
  #report: Report = NOTHING_KNOWN;
  #usable = false;
  /** What the transcoder was asked with. */
  #set: string | null = null;
  #task: { stop(): void } | null = null;
  #again: Timer | null = null;
  #failures = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #heard: (() => void) | null = null;

  constructor(options: CodecsOptions) {
    this.#options = options;
    if (options.filling === null) this.#usable = true;
  }

  /** Resolves when it is known how things stand, or is not to be known soon; fetching may take longer. */
  start(): Promise<void> {
    if (this.#options.filling === null) return Promise.resolve();
    const heard = new Promise<void>((resolve) => {
      const once = (): void => {
        this.#heard = null;
        resolve();
      };
      this.#heard = once;
      this.#options.clock.after(PATIENCE_MS, once);
    });
    this.#look();
    return heard;
  }

  stop(): void {
    this.#stopped = true;
    this.#again?.cancel();
    this.#task?.stop();
  }

  /** Whether it is known that the transcoder is one that loads codecs from beside itself, as Plex's does. */
  get needed(): boolean {
    return this.#report.version !== null;
  }

  get wanted(): number {
    return this.#report.wanted;
  }

  get missing(): number {
    return this.#report.missing.length;
  }

  /** Why no job can run with them, or null. */
  get problem(): string | null {
    if (this.#usable) return null;
    const { wanted, missing, finished, problem } = this.#report;
    if (wanted === 0) return problem ?? 'it is being found out which are needed';
    const there = `${wanted - missing.length} of ${wanted} are there`;
    if (!finished) return `${there}, the others are being fetched${problem === null ? '' : ` (${problem})`}`;
    return `${there}; fetching them fails (${problem}): see CODECS_URL and CODECS_DIR`;
  }

  /** What is missing that playback does without, or null. */
  get warning(): string | null {
    const { missing } = this.#report;
    if (!this.#usable || missing.length === 0) return null;
    const more = missing.length > NAMED ? `, and ${missing.length - NAMED} more` : '';
    return `not to be had: ${missing.slice(0, NAMED).join(', ')}${more}`;
  }

  /** What tells the transcoder of them. */
  get variables(): Record<string, string> {
    const { directory } = this.#report;
    if (directory === null) return {};
    return {
      FFMPEG_EXTERNAL_LIBS: externalLibs(directory),
      PLEX_MEDIA_SERVER_INFO_MODEL: this.#options.architecture.model,
    };
  }

  #look(): void {
    const { filling, env, mark } = this.#options;
    if (filling === null) return;
    const task = startTask<FillingOptions, Report>({
      program: PROGRAM,
      options: filling,
      env,
      mark,
      isReport: (value) => report.Check(value),
      said: (said) => {
        if (this.#task === task) this.#said(said);
      },
      ended: (problem) => {
        // When it could not even be started, the task is not yet known here.
        this.#options.clock.soon(() => this.#ended(problem));
      },
    });
    this.#task = task;
  }

  #said(said: Report): void {
    const before = this.#usable;
    this.#report = said;
    // A set that was usable stays so while it is looked at again.
    this.#usable = said.usable || (before && !said.finished);
    this.#log();
    const set = said.finished && said.usable ? JSON.stringify([said.directory, said.missing]) : this.#set;
    // A codec that came later is one that the transcoder could not list before.
    const isAnother = this.#set !== null && set !== this.#set;
    this.#set = set;
    if (this.#heard) this.#heard();
    else if (this.#usable !== before || isAnother) this.#options.changed();
  }

  #ended(problem: string | null): void {
    this.#task = null;
    if (this.#stopped) return;
    if (problem !== null || !this.#report.finished) {
      this.#said({ ...this.#report, finished: true, problem: `the fetching ended: ${problem}` });
    }
    const { clock, random } = this.#options;
    const { missing, needed } = this.#report;
    const complete = this.#usable && missing.length === 0;
    if (!needed) return;
    this.#failures = complete ? 0 : this.#failures + 1;
    const limits = this.#usable ? RETRY_USABLE : RETRY;
    const ms = complete ? LOOK_MS : limits.firstMs / 2 + backoffMs(this.#failures - 1, random(), limits);
    this.#again = clock.after(ms, () => this.#look());
  }

  #log(): void {
    const { clock, logger } = this.#options;
    const { needed, version, directory, wanted, missing, finished, bytes, retries, problem } = this.#report;
    if (!finished && clock.now() - this.#loggedAt < LOG_MS) return;
    this.#loggedAt = clock.now();
    const level = finished && !this.#usable ? 'error' : missing.length > 0 && finished ? 'warn' : 'info';
    const fields = { version, directory, wanted, missing: missing.length, bytes, retries, problem };
    if (!needed) logger.info('the transcoder has its codecs inside');
    else logger[level](fields, finished ? 'codecs looked at' : 'codecs are being fetched');
  }
}

/** A list whose entries end at colons; the slash at its end stands for everything inside. */
export function externalLibs(directory: string): string {
  return `${directory.replace(/[\\':\s]/g, '\\$&')}/`;
}
