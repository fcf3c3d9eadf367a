import { shortened } from '#shared/bytes.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import { MAX_PROBLEM_LENGTH, type Mount } from '#shared/protocol/messages.ts';
import type { DeclaredMount } from './mounts.ts';
import { MountProbe } from './probe.ts';

/** With the probe's own deadline of 5 s, a mount that hangs is known within 10 s. */
const INTERVAL_MS = 3_000;

/** The worker's mounts and what is known of their health. */
export class Storage {
  readonly #declared: readonly DeclaredMount[];
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #probes: ReadonlyMap<DeclaredMount, MountProbe>;
  #mounts: readonly Mount[] = [];
  #timer: Timer | null = null;
  #stopped = false;

  constructor(declared: readonly DeclaredMount[], clock: Clock, changed: () => void) {
    this.#declared = declared;
    this.#clock = clock;
    this.#changed = changed;
    this.#probes = new Map(declared.map((mount) => [mount, new MountProbe(mount, clock)]));
  }

  get mounts(): readonly Mount[] {
    return this.#mounts;
  }

  get problems(): readonly string[] {
    return this.#mounts.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  }

  /** Tries every mount now, and from then on every few seconds. */
  async start(): Promise<void> {
    const before = JSON.stringify(this.#mounts);
    const found = await Promise.all(this.#declared.map((mount) => this.#try(mount)));
    this.#mounts = found.flatMap((mount) => (mount === null ? [] : [mount]));
    if (this.#stopped) return;
    if (JSON.stringify(this.#mounts) !== before) this.#changed();
    this.#timer = this.#clock.after(INTERVAL_MS, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #try(declared: DeclaredMount): Promise<Mount | null> {
    const result = await this.#probes.get(declared)?.run();
    if (result === undefined || result === 'absent') return null;
    const problem = result.problem && shortened(result.problem, MAX_PROBLEM_LENGTH);
    return { path: declared.path, mode: declared.mode, problem };
  }
}
