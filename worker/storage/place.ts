import type { Clock, Timer } from '#shared/clock.ts';
import type { ContractMount } from '#shared/protocol/storage.ts';
import { Folders } from '#shared/storage/folders.ts';
import type { DeclaredMount } from '#shared/storage/mounts.ts';
import { isReadOnly, type Mounted, mountedAt, mountTable } from '#shared/storage/mountTable.ts';
import { type Answer, MountProbe } from '#shared/storage/probe.ts';
import { ProofSeries } from '#shared/storage/proofs.ts';
import { SameVolume } from './sameVolume.ts';

/** With the probe's own deadline of 5 s, a mount that hangs is known within 10 s. */
const INTERVAL_MS = 3_000;
/** While something is on its way that PMS wrote. */
const WAITING_MS = 500;
/** Of what is fine: it is many directories, and each may be large. */
const FOLDERS_MS = 30_000;

/** What is known of a directory. */
export interface Finding {
  readonly absent: boolean;
  readonly problem: string | null;
  readonly warnings: readonly string[];
  readonly mounted: Mounted | null;
  readonly latencyMs: number | null;
  readonly latencyToPmsMs: number | null;
}

/** A directory that is looked at again and again: a mount, or a directory in it that PMS shares by itself. */
export class Place {
  readonly declared: DeclaredMount;
  readonly #clock: Clock;
  readonly #series: string;
  readonly #changed: () => void;
  readonly #probe: MountProbe;
  readonly #folders: Folders;
  #foldersReadAt = Number.NEGATIVE_INFINITY;
  /** The last fingerprint of them. */
  #inFolders: readonly string[] | null = null;
  readonly #own: ProofSeries;
  #comparisons: readonly SameVolume[] = [];
  #finding: Finding | null = null;
  #tookMs: number | null = null;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #stopped = false;

  constructor(declared: DeclaredMount, series: string, clock: Clock, changed: () => void) {
    this.declared = declared;
    this.#clock = clock;
    this.#series = series;
    this.#changed = changed;
    this.#probe = new MountProbe(declared, clock);
    this.#folders = new Folders(declared.path, clock);
    this.#own = new ProofSeries(series);
  }

  /** Null before the first look. */
  get finding(): Finding | null {
    return this.#finding;
  }

  /** How long the last look took; null before the first. */
  get tookMs(): number | null {
    return this.#tookMs;
  }

  /** What PMS shares is to be this directory. */
  share(mounts: readonly ContractMount[]): void {
    const now = this.#clock.now();
    this.#comparisons = mounts.map((mount, index) => {
      const before = this.#comparisons[index];
      if (before?.shared.path !== mount.path) return new SameVolume(mount, this.#series, now);
      before.told(mount, now);
      return before;
    });
    // A look that is under way has not heard of it: the next one follows at once.
    if (this.#looking === null) void this.look();
    else if (this.#comparisons.some(({ isWaiting }) => isWaiting)) {
      void this.#looking.then(() => this.look());
    }
  }

  /** Looks now, and from then on every few seconds. */
  look(): Promise<void> {
    this.#timer?.cancel();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
      if (this.#stopped) return;
      const isWaiting = this.#comparisons.some((comparison) => comparison.isWaiting);
      this.#timer = this.#clock.after(isWaiting ? WAITING_MS : INTERVAL_MS, () => void this.look());
    });
    return this.#looking;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const isProven =
      this.declared.mode === 'rw' && this.#comparisons.some(({ shared }) => shared.proof !== null);
    const own = isProven ? this.#own.due(this.#clock.now()) : { write: null, remove: null };
    const names = [...new Set(this.#comparisons.flatMap((comparison) => comparison.names))];
    const [answer] = await Promise.all([
      this.#timed(this.#probe.run({ names, ...own, find: null })),
      this.#readFolders(this.#clock.now()),
    ]);
    const table = answer.place === null ? [] : await mountTable();
    const mounted = answer.place === null ? null : mountedAt(table, answer.place);
    const now = this.#clock.now();
    if (answer.wrote) this.#own.wrote(now);
    const { current } = this.#own;
    if (answer.wrote && current !== null) for (const one of this.#comparisons) one.wrote(current, now);
    const isUnproven = own.write !== null && !answer.wrote;
    this.#finding = this.#judge(answer, mounted, isUnproven, now);
    if (!this.#stopped) this.#changed();
  }

  async #timed(looking: Promise<Answer>): Promise<Answer> {
    const since = this.#clock.now();
    const answer = await looking;
    this.#tookMs = this.#clock.now() - since;
    return answer;
  }

  async #readFolders(now: number): Promise<void> {
    const isDue = now - this.#foldersReadAt >= FOLDERS_MS || (this.#finding?.problem ?? null) !== null;
    if (!isDue || !this.#comparisons.some((comparison) => comparison.isRecognised)) return;
    this.#foldersReadAt = now;
    this.#inFolders = await this.#folders.fingerprint();
  }

  #judge(answer: Answer, mounted: Mounted | null, isUnproven: boolean, now: number): Finding {
    const { path } = this.declared;
    const longest = (latencies: readonly (number | null)[]): number | null => {
      const known = latencies.filter((ms) => ms !== null);
      return known.length === 0 ? null : Math.max(...known);
    };
    const problem = this.#problem(answer, mounted, now);
    const latencyMs = longest(this.#comparisons.map((one) => one.latencyMs(now)));
    const latencyToPmsMs = longest(this.#comparisons.map((one) => one.latencyToPmsMs));
    const isUsable = problem === null && !answer.absent;
    const warnings = isUsable ? this.#comparisons.flatMap((one) => one.warnings(path, now)) : [];
    if (isUsable && isUnproven) {
      const directory = `${path}/.clusterplex`;
      warnings.push(
        `nothing shows that PMS sees what is written to ${path}: this worker can't write to ${directory}; ` +
          'make it a directory that all may write, or remove it',
      );
    }
    return { absent: answer.absent, problem, warnings, mounted, latencyMs, latencyToPmsMs };
  }

  #problem(answer: Answer, mounted: Mounted | null, now: number): string | null {
    const { path, mode } = this.declared;
    if (answer.unwritable && mounted && isReadOnly(mounted)) {
      return `${path} is mounted read only (${mounted.type} ${mounted.source}), but MOUNTS says rw`;
    }
    if (answer.problem !== null || answer.absent) return answer.problem;
    for (const comparison of this.#comparisons) {
      const { shared } = comparison;
      const problem = comparison.judge({ path, answer, folders: this.#inFolders, mounted, now });
      if (problem !== null) return problem;
      if (shared.mode === 'rw' && mode === 'ro') {
        return `transcodes are written to ${path}, which PMS shares as ${shared.path}:rw, but MOUNTS says ro`;
      }
    }
    return null;
  }
}
