import type { Clock, Timer } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { MAX_SEEN, type SharedMount } from '#shared/protocol/storage.ts';
import { fingerprintOf } from '#shared/storage/fingerprint.ts';
import { Folders } from '#shared/storage/folders.ts';
import type { DeclaredMount } from '#shared/storage/mounts.ts';
import { type Answer, MountProbe } from '#shared/storage/probe.ts';
import { nextProof, ProofSeries, proofName } from '#shared/storage/proofs.ts';

/** How often is looked: for what workers write, which they time, and for what is only read. */
const INTERVAL_MS = { rw: 1_000, ro: 30_000 };

export interface SharedDirectoryOptions {
  readonly mount: DeclaredMount;
  /** How the names of its proofs begin. */
  readonly series: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly changed: () => void;
}

/** A directory that PMS shares with the workers: looked at again and again, from a process of its own. */
export class SharedDirectory {
  readonly #options: SharedDirectoryOptions;
  readonly #probe: MountProbe;
  readonly #folders: Folders;
  readonly #own: ProofSeries;
  /** The last proof of each worker's, by series. */
  #seen = new Map<string, string>();
  #shared: SharedMount | null | undefined;
  #problem: string | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: SharedDirectoryOptions) {
    this.#options = options;
    // Its own proof is what it tries to write.
    this.#probe = new MountProbe({ ...options.mount, mode: 'ro', optional: true }, options.clock);
    this.#folders = new Folders(options.mount.path, options.clock);
    this.#own = new ProofSeries(options.series);
  }

  /** Undefined before the first look; null where there is no such directory. */
  get shared(): SharedMount | null | undefined {
    return this.#shared;
  }

  async look(): Promise<void> {
    const { mount, clock, logger } = this.#options;
    const isWritten = mount.mode === 'rw';
    const own = isWritten ? this.#own.due(clock.now()) : { write: null, remove: null };
    const names = [...this.#seen.values()].flatMap((name) => [name, nextProof(name)]);
    const [answer, folders] = await Promise.all([
      this.#probe.run({ names, ...own, find: isWritten ? 'worker-' : null }),
      isWritten ? null : this.#folders.fingerprint(),
    ]);
    if (this.#stopped) return;
    if (answer.wrote) this.#own.wrote(clock.now());
    const isUnwritable = own.write !== null && !answer.wrote && !answer.absent;
    const problem = answer.problem ?? (isUnwritable ? `${mount.path} can't be written as this user` : null);
    if (problem !== this.#problem && problem !== null)
      logger.warn({ problem }, 'what PMS shares is not usable');
    this.#problem = problem;
    if (answer.problem === null) this.#seen = lastOfEach(answer, this.#seen);
    this.#shared = answer.absent ? null : this.#describe(answer, folders);
    this.#options.changed();
    this.#timer = clock.after(INTERVAL_MS[mount.mode], () => void this.look());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #describe({ entries }: Answer, folders: readonly string[] | null): SharedMount {
    const { path, mode } = this.#options.mount;
    const isWritten = mode === 'rw';
    const fingerprint = isWritten || entries === null ? [] : fingerprintOf(entries);
    return {
      path,
      mode,
      purpose: isWritten ? 'transcode' : 'media',
      proof: this.#own.current,
      // Of nothing there is nothing to recognise.
      fingerprint: fingerprint.length === 0 ? null : fingerprint,
      folders: folders === null || folders.length === 0 ? null : [...folders],
      seen: [...this.#seen.values()].slice(-MAX_SEEN),
    };
  }
}

/**
 * A listing may be newer than what names lead to, so it only tells of whom there are proofs at all, or where those that
 * were asked for by name are gone.
 */
function lastOfEach({ proofs, found }: Answer, before: ReadonlyMap<string, string>): Map<string, string> {
  const listed = Map.groupBy(found, (name) => proofName(name)?.series ?? '');
  listed.delete('');
  const serial = (name: string): number => proofName(name)?.serial ?? 0;
  const lastOf = (names: readonly string[]): string | undefined =>
    names.toSorted((one, other) => serial(other) - serial(one))[0];
  const last = [...listed].map(([series, names]) => {
    const asked = [...proofs].filter((name) => proofName(name)?.series === series);
    const known = before.get(series);
    const isGone = known !== undefined && !names.includes(known) && asked.length === 0;
    const name = known === undefined || isGone ? lastOf(names) : (lastOf(asked) ?? known);
    return [series, name] as const;
  });
  return new Map(last.flatMap(([series, name]) => (name === undefined ? [] : [[series, name]])));
}
