import type { ContractMount } from '#shared/protocol/storage.ts';
import { fingerprintOf, isAlike } from '#shared/storage/fingerprint.ts';
import type { Answer } from '#shared/storage/probe.ts';
import { nextProof, proofName } from '#shared/storage/proofs.ts';
import { Crossing } from './crossing.ts';
import type { Mounted } from './mountTable.ts';

/** Compares a directory of this worker with the one that PMS shares. */
export class SameVolume {
  readonly #ownSeries: string;
  #shared: ContractMount;
  #there: Crossing | null = null;
  #back: Crossing;
  /** The last proof of PMS that was seen here. */
  #seen: string | null = null;

  constructor(shared: ContractMount, ownSeries: string, now: number) {
    this.#shared = shared;
    this.#ownSeries = ownSeries;
    this.#back = new Crossing(ownSeries);
    this.told(shared, now);
  }

  get shared(): ContractMount {
    return this.#shared;
  }

  /** What PMS shares may have another proof now, and it may see another one of ours. */
  told(shared: ContractMount, now: number): void {
    this.#shared = shared;
    const { proof, seen } = shared;
    if (seen !== null) this.#back.arrived(seen, now);
    const series = proof === null ? null : proofName(proof)?.series;
    if (proof === null || series === undefined || series === null) {
      this.#there = null;
      this.#seen = null;
      return;
    }
    if (this.#there?.series !== series) {
      // It is another process, which may not know yet what we wrote for the one before it.
      this.#there = new Crossing(series);
      this.#back = new Crossing(this.#ownSeries);
      this.#seen = null;
    }
    this.#there.left(proof, now);
  }

  /** This worker wrote a proof there. */
  wrote(name: string, now: number): void {
    if (this.#shared.proof !== null) this.#back.left(name, now);
  }

  /** Which proofs to look for. */
  get names(): string[] {
    const { proof } = this.#shared;
    if (proof === null) return [];
    const seen = this.#seen === null ? [] : [this.#seen];
    return [...new Set([...seen, ...(this.#there?.waiting ?? []), nextProof(proof)])];
  }

  get isWaiting(): boolean {
    return (this.#there?.waiting.length ?? 0) > 0;
  }

  /** @returns what is wrong with the directory as PMS's */
  judge(path: string, answer: Answer, mounted: Mounted | null, now: number): string | null {
    return this.#shared.proof === null
      ? this.#judgeEntries(path, answer, mounted)
      : this.#judgeProofs(path, answer, mounted, now);
  }

  latencyMs(now: number): number | null {
    return this.#seen === null ? null : (this.#there?.latencyMs(now) ?? null);
  }

  latencyToPmsMs(now: number): number | null {
    return this.#seen === null ? null : this.#back.latencyMs(now);
  }

  #judgeProofs(path: string, { proofs }: Answer, mounted: Mounted | null, now: number): string | null {
    const serial = (name: string): number => proofName(name)?.serial ?? 0;
    const last = [...proofs]
      .filter((name) => proofName(name)?.series === this.#there?.series)
      .toSorted((one, other) => serial(other) - serial(one))[0];
    if (last !== undefined) {
      this.#there?.arrived(last, now);
      this.#seen = last;
      return null;
    }
    // Of those that are waited for some may only be cached away, but not those that were here before.
    this.#seen = null;
    const file = `${path}/.clusterplex/${this.#shared.proof}`;
    return `${this.#notTheSame(path)}: ${file}, which PMS's relay wrote there, can't be read here${under(mounted)}`;
  }

  #judgeEntries(path: string, { entries }: Answer, mounted: Mounted | null): string | null {
    const { fingerprint } = this.#shared;
    if (fingerprint === null || entries === null) return null;
    const own = fingerprintOf(entries);
    if (own.length === 0) return `${this.#notTheSame(path)}: it is empty${under(mounted)}`;
    if (isAlike(own, fingerprint)) return null;
    return `${this.#notTheSame(path)}: other things are in it${under(mounted)}`;
  }

  #notTheSame(path: string): string {
    const { path: name } = this.#shared;
    return `${path} is not the volume that PMS uses${name === path ? '' : ` as ${name}`}`;
  }
}

function under(mounted: Mounted | null): string {
  const advice = '; mount what PMS has, or correct MOUNTS or PATH_MAP';
  if (mounted === null) return advice;
  const { at, type, source } = mounted;
  return at === '/'
    ? `; nothing is mounted there, it lies on / (${type})${advice}`
    : `; what is mounted at ${at} is ${type} ${source}${advice}`;
}
