import { proofName } from '#shared/storage/proofs.ts';

/** Longer than this only a cache takes. */
export const SLOW_MS = 5_000;
/** What was measured before tells nothing of the mount as it is now. */
const REMEMBERED = 3;
const MOST_WAITED_FOR = 20;
/** Twice what NFS caches attributes for by default, at most. */
const LOST_MS = 120_000;
/** One is lost by chance, or with who wrote it. */
const SEVERAL = 3;

/** How long the proofs of one series take from one side of a mount to the other. */
export class Crossing {
  readonly series: string;
  #waiting: { readonly serial: number; readonly at: number }[] = [];
  #last = 0;
  #measured: number[] = [];

  constructor(series: string) {
    this.series = series;
  }

  /** It was written. */
  left(name: string, now: number): void {
    const serial = this.#serialOf(name);
    if (serial <= this.#last) return;
    this.#last = serial;
    this.#waiting = [...this.#waiting, { serial, at: now }].slice(-MOST_WAITED_FOR);
  }

  /** It was seen on the other side; so it is of no matter any more what became of those before it. */
  arrived(name: string, now: number): void {
    const serial = this.#serialOf(name);
    const here = this.#waiting.filter((one) => one.serial <= serial);
    if (here.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => one.serial > serial);
    this.#measured = [...here.map(({ at }) => now - at), ...this.#measured].slice(0, REMEMBERED);
  }

  /** Those that have not arrived. */
  get waiting(): string[] {
    return this.#waiting.map(({ serial }) => `${this.series}.${serial}`);
  }

  /** The longest of the last ones, or for how long one has been on its way; null before anything is known. */
  latencyMs(now: number): number | null {
    const waited = this.#waiting.map(({ at }) => now - at).filter((ms) => ms > SLOW_MS);
    const known = [...this.#measured, ...waited];
    return known.length === 0 ? null : Math.round(Math.max(...known));
  }

  /** None of several has arrived, whatever was cached. */
  isLost(now: number): boolean {
    const [first] = this.#waiting;
    return first !== undefined && this.#waiting.length >= SEVERAL && now - first.at > LOST_MS;
  }

  get hasArrived(): boolean {
    return this.#measured.length > 0;
  }

  #serialOf(name: string): number {
    const proof = proofName(name);
    return proof?.series === this.series ? proof.serial : 0;
  }
}
