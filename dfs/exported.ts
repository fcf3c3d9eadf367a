import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { shortened } from '#shared/bytes.ts';
import type { Clock, Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import { type Check, MAX_CHECK_LENGTH } from '#shared/protocol/check.ts';
import { type Mounted, mountTable } from '#shared/storage/mountTable.ts';
import { Script } from '#shared/storage/script.ts';
import { nfsProblem } from './nfsNull.ts';

/** A daemon that answers takes milliseconds. */
const ANSWER_MS = 2_000;

/** How many names the directory has. NFS can't export one that says 0. */
const SCRIPT = 'exec stat -c %h -- "$1" 2>&1';

/** Of each FUSE file system a directory. */
const CONNECTIONS = '/sys/fs/fuse/connections';
const MAJOR = 2 ** 20;

const BEING_LOOKED_AT = 'it is being looked at';

/** What a storage node exports: whether whoever mounts it now gets the files. */
export class Exported {
  readonly #path: string;
  readonly #nfsPort: number;
  readonly #clock: Clock;
  readonly #script: Script;
  readonly #boot = bootId();
  #instance: string | null | undefined;
  #problems: Readonly<Record<string, string | null>> = {
    ...{ mounted: BEING_LOOKED_AT, answers: BEING_LOOKED_AT, links: BEING_LOOKED_AT, nfs: BEING_LOOKED_AT },
  };
  #timer: Timer | null = null;
  #stopped = false;

  constructor(path: string, nfsPort: number, clock: Clock) {
    this.#path = path;
    this.#nfsPort = nfsPort;
    this.#clock = clock;
    this.#script = new Script(SCRIPT, clock, ANSWER_MS);
  }

  /**
   * Which mount it is: another one after each start of the daemon and of the machine, the same for each dfs-probe. Null
   * when it is none, undefined before the first look.
   */
  get instance(): string | null | undefined {
    return this.#instance;
  }

  get checks(): readonly Check[] {
    return Object.entries(this.#problems).map(([name, problem]) => {
      return {
        ...{ name, ok: problem === null, blocking: true },
        message: problem && shortened(problem, MAX_CHECK_LENGTH),
      };
    });
  }

  /** Looks now, and from then on again and again. */
  async watch(everyMs: number): Promise<void> {
    const nfs = nfsProblem(this.#nfsPort, ANSWER_MS, this.#clock);
    const mounted = await this.#mounted();
    // What is not mounted is the directory below it, of which nobody wants to know.
    const asked = mounted === null ? await this.#ask() : { answers: mounted, links: mounted };
    const problem = await nfs;
    this.#problems = { mounted, ...asked, nfs: problem && `port ${this.#nfsPort} ${problem}` };
    if (!this.#stopped) this.#timer = this.#clock.after(everyMs, () => void this.watch(everyMs));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #mounted(): Promise<string | null> {
    const mount = (await mountTable()).findLast(({ at }) => at === this.#path);
    this.#instance =
      mount === undefined ? null : `${this.#boot} ${mount.device} ${await connectionOf(mount)}`;
    if (mount === undefined) return `nothing is mounted at ${this.#path}`;
    if (mount.type.startsWith('fuse')) return null;
    return `what is mounted at ${this.#path} is ${mount.type}, not FUSE`;
  }

  async #ask(): Promise<{ readonly answers: string | null; readonly links: string | null }> {
    try {
      const end = await this.#script.run([this.#path]);
      if (end === null) {
        const problem = `${this.#path} does not answer within ${ANSWER_MS} ms`;
        return { answers: problem, links: problem };
      }
      const said = end.said.trim();
      if (end.code !== 0) return { answers: said, links: said };
      const isNamed = Number(said) >= 1;
      return {
        answers: null,
        links: isNamed ? null : `${this.#path} has ${said} links, so NFS can't export it`,
      };
    } catch (error) {
      const problem = `${this.#path} could not be tried: ${coerceError(error).message}`;
      return { answers: problem, links: problem };
    }
  }
}

/**
 * The inode of its connection's directory, empty where that is not to be seen. Mounts have a number of their own in each
 * container, and a device's is given away again at once; these are counted on for long.
 */
async function connectionOf({ device }: Mounted): Promise<string> {
  const [major = 0, minor = 0] = device.split(':').map(Number);
  const found = await stat(`${CONNECTIONS}/${major * MAJOR + minor}`).catch(() => null);
  return String(found?.ino ?? '');
}

/** All of these numbers begin anew with each start of the machine. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
