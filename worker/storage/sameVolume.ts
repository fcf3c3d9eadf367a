import type { ContractMount } from '#shared/protocol/storage.ts';
import { fingerprintOf, isAlike } from '#shared/storage/fingerprint.ts';
import type { Mounted } from '#shared/storage/mountTable.ts';
import type { Answer } from '#shared/storage/probe.ts';
import { nextProof, proofName } from '#shared/storage/proofs.ts';
import { Crossing, SLOW_MS } from './crossing.ts';

/** What was found in a directory of this worker, and when. */
export interface Look {
  readonly path: string;
  readonly answer: Answer;
  /** The fingerprint of what is in its folders; null when nobody knows. */
  readonly folders: readonly string[] | null;
  readonly mounted: Mounted | null;
  readonly now: number;
}

/** Compares a directory of this worker with the one that PMS shares. */
export class SameVolume {
  readonly #ownSeries: string;
  #shared: ContractMount;
  #there: Crossing | null = null;
  #back: Crossing;
  /** The last proof of PMS that was seen here. */
  #seen: string | null = null;
  /** When PMS last told of anything new: what it sees is of that time, since its relay may be away. */
  #newsAt: number;

  constructor(shared: ContractMount, ownSeries: string, now: number) {
    this.#shared = shared;
    this.#ownSeries = ownSeries;
    this.#back = new Crossing(ownSeries);
    this.#newsAt = now;
    this.told(shared, now);
  }

  get shared(): ContractMount {
    return this.#shared;
  }

  /** What PMS shares may have another proof now, and it may see another one of ours. */
  told(shared: ContractMount, now: number): void {
    const { proof, seen } = shared;
    if (proof !== this.#shared.proof || seen !== this.#shared.seen) this.#newsAt = now;
    this.#shared = shared;
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
  judge({ path, answer, folders, mounted, now }: Look): string | null {
    return this.#shared.proof === null
      ? this.#judgeEntries(path, answer, folders, mounted)
      : this.#judgeProofs(path, answer, mounted, now);
  }

  /** What jobs may come to grief over, though the directory may be PMS's. */
  warnings(path: string, now: number): string[] {
    const { path: name, mode, proof } = this.#shared;
    if (mode === 'rw' && proof === null) {
      const advice = `see its log, and let it write there, or declare ${name} as ro in its MOUNTS`;
      return [
        `nothing shows that ${path} is the volume that PMS uses: its relay can't write to ${name}; ${advice}`,
      ];
    }
    const [there, back] = [this.latencyMs(now) ?? 0, this.latencyToPmsMs ?? 0];
    const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
    const cached = (where: string): string =>
      `because attributes are cached: on NFS mount it ${where} with actimeo=1 (or noac) and lookupcache=positive`;
    const isCached = this.#back.hasArrived;
    return [
      ...(there > SLOW_MS
        ? [`${path}: what PMS writes is seen here only ${seconds(there)} later, ${cached('here')}`]
        : []),
      ...(back > SLOW_MS && isCached
        ? [`${path}: what is written here is seen by PMS only ${seconds(back)} later, ${cached('at PMS')}`]
        : []),
      ...(back > SLOW_MS && !isCached
        ? [`${path}: PMS has not seen yet what was written here ${seconds(back)} ago`]
        : []),
    ];
  }

  latencyMs(now: number): number | null {
    return this.#seen === null ? null : (this.#there?.latencyMs(now) ?? null);
  }

  get latencyToPmsMs(): number | null {
    return this.#seen === null ? null : this.#back.latencyMs(this.#newsAt);
  }

  #judgeProofs(path: string, { proofs }: Answer, mounted: Mounted | null, now: number): string | null {
    const serial = (name: string): number => proofName(name)?.serial ?? 0;
    const last = [...proofs]
      .filter((name) => proofName(name)?.series === this.#there?.series)
      .toSorted((one, other) => serial(other) - serial(one))[0];
    if (last !== undefined) {
      this.#there?.arrived(last, now);
      this.#seen = last;
      return this.#back.isLost(this.#newsAt) ? this.#lost(path, mounted) : null;
    }
    // Of those that are waited for some may only be cached away, but not those that were here before.
    this.#seen = null;
    const file = `${path}/.clusterplex/${this.#shared.proof}`;
    return `${this.#notTheSame(path)}: ${file}, which PMS's relay wrote there, can't be read here${under(mounted)}`;
  }

  #lost(path: string, mounted: Mounted | null): string {
    const files = `${path}/.clusterplex/${this.#ownSeries}.*`;
    const what = `${path}: what is written here never reaches PMS, though what PMS writes is seen here`;
    return `${what}: PMS's relay sees none of ${files} in ${this.#shared.path}${under(mounted)}`;
  }

  #judgeEntries(
    path: string,
    { entries }: Answer,
    folders: readonly string[] | null,
    mounted: Mounted | null,
  ): string | null {
    const { fingerprint, folders: foldersThere } = this.#shared;
    if (fingerprint === null || entries === null) return null;
    const own = fingerprintOf(entries);
    if (own.length === 0) return `${this.#notTheSame(path)}: it is empty${under(mounted)}`;
    if (!isAlike(own, fingerprint))
      return `${this.#notTheSame(path)}: other things are in it${under(mounted)}`;
    if (folders === null || foldersThere === null || isAlike(folders, foldersThere)) return null;
    return `${this.#notTheSame(path)}: other things are in its folders${under(mounted)}`;
  }

  /** By what is in it. */
  get isRecognised(): boolean {
    return this.#shared.folders !== null;
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
