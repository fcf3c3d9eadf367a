import { isIPv6 } from 'node:net';
import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import { type Mounted, mountTable } from '#shared/storage/mountTable.ts';
import { Script } from '#shared/storage/script.ts';

/** A server that has just said that it is ready takes a second. */
const LIMIT_MS = 15_000;
/** How often the table is read meanwhile. */
const LOOK_MS = 100;
/** Of several, one over the other; more than that nobody has made by accident. */
const MOST = 8;

/** Forced, so that what waits for a dead server gets an error; lazily, since it may be in use. Nothing asks the server. */
const UNMOUNT = 'LC_ALL=C exec umount -i -c -f -l -- "$1" 2>&1';
/** It is this program that tries again, perhaps elsewhere. */
const MOUNT = 'mkdir -p -- "$3" && LC_ALL=C exec mount -t nfs -o "$1,retry=0" -- "$2" "$3" 2>&1';

export interface MounterOptions {
  readonly path: string;
  /** What servers export. */
  readonly exported: string;
  /** The mount's, comma separated. */
  readonly options: string;
  readonly clock: Clock;
}

/** What is mounted at the path, and its exchange. */
export class Mounter {
  readonly #options: MounterOptions;

  constructor(options: MounterOptions) {
    this.#options = options;
  }

  async mounted(): Promise<Mounted | null> {
    return (await mountTable()).findLast(({ at }) => at === this.#options.path) ?? null;
  }

  /** Whose export it is; null when it is somebody else's. */
  serverOf({ source }: Mounted): string | null {
    const end = `:${this.#options.exported}`;
    return source.endsWith(end) ? source.slice(0, -end.length).replace(/^\[(.*)\]$/, '$1') : null;
  }

  /**
   * Mounts the export of this server in place of whatever is there.
   *
   * @returns what is wrong, or null
   */
  async mount(server: string): Promise<string | null> {
    const { path, exported, options } = this.#options;
    for (let left = MOST; left > 0; left -= 1) {
      const mounted = await this.mounted();
      if (mounted === null) break;
      const problem = await this.#unmount(mounted);
      if (problem !== null) return `umount: ${problem}`;
    }
    const source = `${isIPv6(server) ? `[${server}]` : server}:${exported}`;
    const problem = await this.#run(MOUNT, [options, source, path]);
    return problem && `mount: ${problem}`;
  }

  /** What is out of the table is unmounted. The kernel may still give things back to the server that was given up. */
  async #unmount({ instance }: Mounted): Promise<string | null> {
    const { path, clock } = this.#options;
    let problem: string | null | undefined;
    const unmounting = this.#run(UNMOUNT, [path]).then((found) => {
      problem = found;
    });
    while ((await this.mounted())?.instance === instance) {
      if (problem !== undefined) return problem;
      await Promise.race([unmounting, new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))]);
    }
    return null;
  }

  async #run(script: string, words: readonly string[]): Promise<string | null> {
    try {
      // One that hangs keeps nobody else from being mounted.
      const end = await new Script(script, this.#options.clock, LIMIT_MS).run(words);
      if (end === null) return `does not end within ${LIMIT_MS} ms`;
      return end.code === 0 ? null : end.said.trim() || `ended with ${end.code}`;
    } catch (error) {
      return coerceError(error).message;
    }
  }
}
