import type { Clock, Timer } from '#shared/clock.ts';
import type { Mounted } from '#shared/storage/mountTable.ts';

/** Reading the kernel's table asks no file system. */
const LOOK_MS = 1_000;

/**
 * Tells where something else is mounted now than before. What is open still belongs to the old mount: that may be a server
 * that is lost, or a FUSE file system whose files have other numbers now, and nobody tells who reads it.
 */
export class Remounts {
  readonly #clock: Clock;
  readonly #table: () => Promise<readonly Mounted[]>;
  readonly #remounted: (at: string) => void;
  /** By place what was mounted there last; null since it is gone. */
  #known = new Map<string, string | null>();
  #timer: Timer | null = null;
  #stopped = false;

  /** @param remounted it is there by now */
  constructor(clock: Clock, table: () => Promise<readonly Mounted[]>, remounted: (at: string) => void) {
    this.#clock = clock;
    this.#table = table;
    this.#remounted = remounted;
  }

  /** Looks now, and from then on every second. */
  async watch(): Promise<void> {
    // Of several over one place the last one counts.
    const now = new Map((await this.#table()).map(({ at, instance }) => [at, instance]));
    if (this.#stopped) return;
    const known = this.#known;
    const others = [...now].filter(([at, instance]) => known.has(at) && known.get(at) !== instance);
    const gone = [...known.keys()].filter((at) => !now.has(at));
    this.#known = new Map([...now, ...gone.map((at): [string, null] => [at, null])]);
    for (const [at] of others) this.#remounted(at);
    this.#timer = this.#clock.after(LOOK_MS, () => void this.watch());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
