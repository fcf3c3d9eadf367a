import { posix } from 'node:path';
import { readable, shortened } from '#shared/bytes.ts';
import type { Clock } from '#shared/clock.ts';
import { MAX_PROBLEM_LENGTH, type Mount } from '#shared/protocol/messages.ts';
import type { ContractMount, SharedMount } from '#shared/protocol/storage.ts';
import { type DeclaredMount, isUnder } from '#shared/storage/mounts.ts';
import { type MappedPath, mapPaths } from '../adapt/pathMap.ts';
import { type Finding, Place } from './place.ts';

export interface StorageOptions {
  readonly declared: readonly DeclaredMount[];
  /** Where this worker has what PMS has elsewhere. */
  readonly pathMap: readonly MappedPath[];
  /** Of the process: what it writes into shared directories is named after it. */
  readonly instance: string;
  readonly clock: Clock;
  /** What is known of the mounts is another now. */
  readonly changed: () => void;
}

/** The worker's mounts and what is known of their health. */
export class Storage {
  readonly #options: StorageOptions;
  /** By directory: every mount, and what PMS shares inside of one. */
  readonly #places = new Map<string, Place>();
  #said = '[]';
  #contract: readonly ContractMount[] = [];
  #started = false;

  constructor(options: StorageOptions) {
    this.#options = options;
    for (const mount of options.declared) this.#add(mount);
  }

  get mounts(): readonly Mount[] {
    return this.#options.declared.flatMap((declared) => {
      const findings = this.#findingsIn(declared);
      const [own] = findings;
      if (!own || own.absent) return [];
      const { path, mode } = declared;
      const problem = findings.find((finding) => finding.problem !== null)?.problem ?? null;
      const longest = (latencies: readonly (number | null)[]): number | undefined =>
        latencies.reduce<number | undefined>(
          (most, ms) => (ms === null ? most : Math.max(most ?? 0, ms)),
          undefined,
        );
      const latencyMs = longest(findings.map((finding) => finding.latencyMs));
      const latencyToPmsMs = longest(findings.map((finding) => finding.latencyToPmsMs));
      return {
        path,
        mode,
        problem: problem && shortened(problem, MAX_PROBLEM_LENGTH),
        ...(own.mounted && {
          type: shortened(own.mounted.type, 64),
          options: shortened(own.mounted.options, MAX_PROBLEM_LENGTH),
        }),
        ...(latencyMs !== undefined && { latencyMs }),
        ...(latencyToPmsMs !== undefined && { latencyToPmsMs }),
      };
    });
  }

  /** How long the last look at each mount took. */
  get probes(): readonly { readonly path: string; readonly ms: number }[] {
    return this.#options.declared.flatMap(({ path }) => {
      const place = this.#places.get(path);
      const ms = place?.finding?.absent === false ? place.tookMs : null;
      return ms === null ? [] : [{ path, ms }];
    });
  }

  /** Undefined before all were looked at. */
  get problems(): readonly string[] | undefined {
    const { declared } = this.#options;
    if (declared.some(({ path }) => !this.#places.get(path)?.finding)) return undefined;
    const problems = this.mounts.flatMap(({ problem }) => (problem === null ? [] : [problem]));
    return this.#writesNowhere ? [...problems, ...this.#missing('transcode')] : problems;
  }

  /** What jobs will come to grief over, though the worker may be given others. */
  get warnings(): readonly string[] {
    const slow = [...this.#places.values()].flatMap(({ finding }) => finding?.warnings ?? []);
    const missing = [...this.#missing('media'), ...(this.#writesNowhere ? [] : this.#missing('transcode'))];
    return [...new Set([...missing, ...slow])];
  }

  /** PMS's transcode directory, or all of several, is not here: then no job can run here. */
  get #writesNowhere(): boolean {
    const directories = this.#contract.filter(({ purpose }) => purpose === 'transcode');
    return directories.length > 0 && directories.length === this.#missing('transcode').length;
  }

  /** What PMS shares for this, and is not here. */
  #missing(wanted: SharedMount['purpose']): string[] {
    return this.#contract.flatMap(({ path, purpose }) => {
      if (purpose !== wanted) return [];
      const here = this.#here(path);
      const has = this.mounts.some((mount) => isUnder(mount.path, here) || isUnder(here, mount.path));
      const elsewhere = here === path ? '' : `, here ${here}`;
      return has
        ? []
        : [
            `PMS shares ${path} (${purpose})${elsewhere}, which is not here: add it to MOUNTS, or to PATH_MAP`,
          ];
    });
  }

  /** Tries every mount now, and from then on every few seconds. */
  async start(): Promise<void> {
    this.#started = true;
    await Promise.all([...this.#places.values()].map((place) => place.look()));
  }

  stop(): void {
    for (const place of this.#places.values()) place.stop();
  }

  /** @returns whether all may be used, as of now */
  async lookAgain(): Promise<boolean> {
    const places = [...this.#places.values()];
    // A look that is under way may have begun before.
    await Promise.all(places.map((place) => place.look()));
    await Promise.all(places.map((place) => place.look()));
    return this.problems?.length === 0;
  }

  /** What PMS shares: each of it is compared with what is here in its place. */
  compare(contract: readonly ContractMount[]): void {
    this.#contract = contract;
    const here = Map.groupBy(contract, ({ path }) => this.#here(path));
    for (const [path, mounts] of here) {
      const around = this.#mountAround(path);
      if (!around || this.#places.has(path)) continue;
      const isWritten = around.mode === 'rw' && mounts.some(({ mode }) => mode === 'rw');
      this.#add({ path, mode: isWritten ? 'rw' : 'ro', optional: around.optional });
    }
    for (const [path, place] of this.#places) {
      const isDeclared = this.#options.declared.includes(place.declared);
      if (isDeclared || here.has(path)) continue;
      place.stop();
      this.#places.delete(path);
    }
    for (const [path, place] of this.#places) place.share(here.get(path) ?? []);
    this.#tell();
  }

  #add(declared: DeclaredMount): void {
    const { instance, clock } = this.#options;
    const place = new Place(declared, `worker-${instance}`, clock, () => this.#tell());
    this.#places.set(declared.path, place);
  }

  #tell(): void {
    const now = JSON.stringify([this.mounts, this.warnings]);
    if (now === this.#said) return;
    this.#said = now;
    if (this.#started) this.#options.changed();
  }

  #here(path: string): string {
    const { cwd } = mapPaths({ argv: [], cwd: path }, this.#options.pathMap);
    // It came over the network, and must not lead out of a mount.
    return posix.normalize(readable(cwd)).replace(/(.)\/$/, '$1');
  }

  #mountAround(path: string): DeclaredMount | undefined {
    return this.#options.declared
      .filter((mount) => isUnder(mount.path, path))
      .toSorted((one, other) => other.path.length - one.path.length)[0];
  }

  /** Its own first, then those of what is shared inside of it. */
  #findingsIn(declared: DeclaredMount): Finding[] {
    const own = this.#places.get(declared.path);
    const inside = [...this.#places].filter(([path, place]) => {
      return (
        place !== own &&
        !this.#options.declared.includes(place.declared) &&
        this.#mountAround(path) === declared
      );
    });
    return [own, ...inside.map(([, place]) => place)].flatMap((place) =>
      place?.finding ? [place.finding] : [],
    );
  }
}
