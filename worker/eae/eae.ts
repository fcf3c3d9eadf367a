import { Compile } from 'typebox/compile';
import { type BackoffLimits, backoffMs } from '#shared/backoff.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import { requirementsOf } from '#shared/requirements.ts';
import type { Environment } from '#shared/settings/read.ts';
import { startTask } from '../task.ts';
import type { HelperSurroundings } from '../transcoder/helper.ts';
import type { Owner } from '../transcoder/owner.ts';
import { Encoder } from './encoder.ts';
import { type InstallationOptions, Installed } from './installation.ts';
import { type Licence, readLicence } from './licence.ts';

const PROGRAM = new URL('install.ts', import.meta.url);
const installed = Compile(Installed);

/** How soon something that went wrong is tried again. */
const RETRY: BackoffLimits = { firstMs: 10_000, lastMs: 600_000 };
const LOOK_MS = 86_400_000;
/** How long before its end a licence is renewed: licences last for months. */
const RENEW_MS = 7 * 86_400_000;
/** Between tries to renew a licence that ends at once. */
const SOON_MS = 1_000;
/** One that has no licence ends at once; one that has lived so long will live. */
const TRIAL_MS = 1_000;
/** A seek ends one job and starts the next within a second. */
const LINGER_MS = 2_000;
/** How often it may die while jobs use it, between two looks, before it counts as broken. */
const MAX_DEATHS = 5;

export interface EaeOptions extends HelperSurroundings {
  /** Null when it is turned off. */
  readonly installation: Omit<InstallationOptions, 'renew'> | null;
  readonly env: Environment;
  /** What EasyAudioEncoder sees of it. */
  readonly encoderEnv: Readonly<Record<string, string>>;
  readonly mark: Readonly<Record<string, string>>;
  readonly owner: Owner;
  /** `available`, or what is wrong, is another now. */
  changed(): void;
}

/** EasyAudioEncoder on this worker: fetched, licensed, tried, and run while jobs need it. */
export class Eae {
  readonly #options: EaeOptions;
  readonly #encoder: Encoder;
  #started = false;
  #stopped = false;
  #executable: string | null = null;
  #licence: Licence | null = null;
  /** Null when it was tried and found good. */
  #problem: string | null = 'it is being looked for';
  #task: { stop(): void } | null = null;
  #again: Timer | null = null;
  #trial: Timer | null = null;
  #linger: Timer | null = null;
  #failures = 0;
  #deaths = 0;
  #inUse = false;

  constructor(options: EaeOptions) {
    this.#options = options;
    const { mark, encoderEnv, owner } = options;
    const env = { ...encoderEnv, ...mark };
    this.#encoder = new Encoder({ ...options, owner, env, ended: (words) => this.#died(words) });
  }

  /** The transcoder is one that knows EasyAudioEncoder. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of [this.#again, this.#trial, this.#linger]) timer?.cancel();
    this.#task?.stop();
    this.#encoder.stop();
  }

  /** Whether jobs that need it can run here. */
  get available(): boolean {
    return this.#started && this.#problem === null && !this.#hasEnded();
  }

  /** Why they can't, where the transcoder is one that knows it, or null. */
  get problem(): string | null {
    if (!this.#started || this.#options.installation === null) return null;
    if (this.#problem !== null) return this.#problem;
    return this.#hasEnded() ? this.#expired() : null;
  }

  get licence(): Licence | null {
    return this.#licence;
  }

  get pid(): number | null {
    return this.#encoder.pid;
  }

  get variables(): Record<string, string> {
    return this.#started ? { EAE_ROOT: this.#encoder.root } : {};
  }

  /** Whether a job for EasyAudioEncoder may run. A transcoder that is not Plex's has such codecs itself, or none. */
  serves(decoders: readonly string[]): boolean {
    if (this.#started) return this.available;
    return decoders.length === 0 || decoders.some((name) => name.endsWith('_eae'));
  }

  /** Why a job with this command can't run here, or null. */
  whyRefused(argv: readonly ByteString[]): string | null {
    if (!this.#started || this.available || !needsEae(argv)) return null;
    if (this.#options.installation === null)
      return 'it needs EasyAudioEncoder, which EAE_SUPPORT turns off here';
    return `it needs EasyAudioEncoder: ${this.problem}`;
  }

  /** These commands run, or are about to. It runs as long as one of them needs it. */
  serve(commands: Iterable<readonly ByteString[]>): void {
    if (this.#stopped) return;
    const inUse = this.available || this.#inUse ? [...commands].some(needsEae) : false;
    if (inUse) {
      this.#linger?.cancel();
      if (this.#executable !== null) this.#run(this.#executable);
    } else if (this.#inUse) {
      this.#linger = this.#options.clock.after(LINGER_MS, () => this.#stopUnused());
    }
    this.#inUse = inUse;
  }

  #look(): void {
    const { installation, env, mark, clock } = this.#options;
    this.#again?.cancel();
    if (installation === null || this.#task || this.#stopped) return;
    let said: Installed | null = null;
    this.#task = startTask<InstallationOptions, Installed>({
      program: PROGRAM,
      options: { ...installation, renew: this.#remainingMs() < RENEW_MS },
      env,
      mark,
      isReport: (value) => installed.Check(value),
      said: (report) => {
        said = report;
      },
      ended: (problem) => {
        // When it could not even be started, the task is not yet known here.
        clock.soon(() => {
          this.#task = null;
          if (!this.#stopped) this.#found(said, problem);
        });
      },
    });
  }

  #found(report: Installed | null, end: string | null): void {
    const before = this.#licence;
    this.#executable = report?.executable ?? this.#executable;
    this.#licence = readLicence(report?.licence ?? '') ?? before;
    this.#deaths = 0;
    const failure = report === null ? `the fetching ended: ${end}` : report.problem;
    const { logger } = this.#options;
    if (failure !== null) logger.warn({ problem: failure }, 'EasyAudioEncoder can’t be fetched or licensed');
    if (this.#executable === null || this.#licence === null || this.#hasEnded()) {
      const reason = this.#licence !== null && this.#hasEnded() ? this.#expired() : 'it is not there';
      this.#settle(failure === null ? reason : `${reason}: ${failure}`);
      return;
    }
    if (this.#problem === null && before?.text === this.#licence.text) {
      this.#settle(null, failure !== null);
      return;
    }
    const { endsAt } = this.#licence;
    logger.info({ endsAt: endsAt === null ? null : new Date(endsAt) }, 'EasyAudioEncoder has a licence');
    this.#try(this.#executable);
  }

  /** Starts it, or starts it again with its new licence: one that is not content with that ends at once. */
  #try(executable: string): void {
    if (!this.#run(executable, 'restart')) return;
    this.#trial = this.#options.clock.after(TRIAL_MS, () => {
      this.#trial = null;
      this.#stopUnused();
      this.#settle(null);
    });
  }

  #run(executable: string, how: 'start' | 'restart' = 'start'): boolean {
    try {
      this.#encoder[how](executable);
      return true;
    } catch (error) {
      this.#settle(`its directory can't be made: ${coerceError(error).message}`);
      return false;
    }
  }

  /** It ended by itself. */
  #died(words: string): void {
    this.#deaths += 1;
    const lacksLicence = /licen[cs]e/i.test(words);
    if (this.#trial === null && !lacksLicence && this.#deaths < MAX_DEATHS) return;
    this.#trial?.cancel();
    this.#trial = null;
    // The helper is done with this end of it only after this call.
    this.#options.clock.soon(() => {
      if (!this.#stopped) this.#encoder.stop();
    });
    this.#settle(`it ends at once: ${words || 'it says nothing'}`);
  }

  /** So things stand until the next look. */
  #settle(problem: string | null, failed = problem !== null): void {
    const { clock, random, logger } = this.#options;
    const other = problem !== this.#problem;
    this.#problem = problem;
    if (other && problem !== null) logger.error({ problem }, 'EasyAudioEncoder is not usable');
    if (other && problem === null) logger.info('EasyAudioEncoder is usable');
    this.#failures = failed ? this.#failures + 1 : 0;
    const retryMs = RETRY.firstMs / 2 + backoffMs(this.#failures, random(), RETRY);
    const remaining = this.#remainingMs();
    const early = remaining < RENEW_MS ? Math.max(SOON_MS, remaining / 2) : remaining - RENEW_MS;
    const ms = problem === null ? Math.min(early, failed ? retryMs : LOOK_MS) : retryMs;
    this.#again?.cancel();
    this.#again = clock.after(ms, () => this.#look());
    if (other) this.#options.changed();
  }

  #stopUnused(): void {
    this.#linger?.cancel();
    if (!this.#inUse && this.#trial === null) this.#encoder.stop();
  }

  #remainingMs(): number {
    return (this.#licence?.endsAt ?? Number.POSITIVE_INFINITY) - Date.now();
  }

  #hasEnded(): boolean {
    return this.#remainingMs() <= 0;
  }

  #expired(): string {
    const { endsAt } = this.#licence ?? { endsAt: null };
    return `its licence ended at ${new Date(endsAt ?? 0).toISOString()}`;
  }
}

function needsEae(argv: readonly ByteString[]): boolean {
  return requirementsOf(argv).eae.length > 0;
}
