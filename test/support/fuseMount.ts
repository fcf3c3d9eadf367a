import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { coerceError } from '#shared/errors.ts';

const DESCRIPTOR = '9';

export interface Fault {
  /** Where in the file it begins. */
  readonly offset: number;
  /** What a read gets: an error number, or `hang`, no answer. */
  readonly read: number | 'hang';
  /** After how many that had the fault, one after the other, who opens the file then can read all of it; 0: never. */
  readonly heals: number;
}

/** A file system with a fault, mounted over a directory. */
export class FuseMount {
  readonly #server: ChildProcess;
  readonly #directory: string;

  private constructor(server: ChildProcess, directory: string) {
    this.#server = server;
    this.#directory = directory;
  }

  /** Why this machine can't have one, or null: tried, because a sandbox may forbid it to root, too. */
  static async obstacle(): Promise<string | null> {
    const directory = mkdtempSync(join(tmpdir(), 'hung-'));
    try {
      (await FuseMount.hung(directory)).remove();
      return null;
    } catch (error) {
      return coerceError(error).message;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** It never answers: whoever looks there waits, as for a dead NFS server. */
  static hung(directory: string): Promise<FuseMount> {
    return FuseMount.#over(directory, ['sleep', '3600']);
  }

  /** Not even SIGKILL ends who waits for it: it has read what it was asked, and never answers. */
  static deaf(directory: string): Promise<FuseMount> {
    const never = { offset: 0, read: 'hang', heals: 0 } as const;
    return FuseMount.faulty(directory, '/dev/null', '', never);
  }

  /** It has one file, a copy of this one. */
  static healthy(directory: string, file: string, name: string): Promise<FuseMount> {
    return FuseMount.slow(directory, file, name, 0);
  }

  /** The same, of which each read takes so many milliseconds. */
  static slow(directory: string, file: string, name: string, delayMs: number): Promise<FuseMount> {
    const never = { offset: Number.MAX_SAFE_INTEGER, read: 'hang', heals: 1 } as const;
    return FuseMount.faulty(directory, file, name, never, delayMs);
  }

  /** It has one file, which can be read up to an offset. */
  static faulty(
    directory: string,
    file: string,
    name: string,
    { offset, read, heals }: Fault,
    delayMs = 0,
  ): Promise<FuseMount> {
    const server = fileURLToPath(import.meta.resolve('./fuseMount/server.ts'));
    const how = [offset, read === 'hang' ? 0 : read, heals, delayMs].map(String);
    return FuseMount.#over(directory, [process.execPath, server, DESCRIPTOR, file, name, ...how]);
  }

  /** It is the other directory, of which the kernel remembers for so long what is there and what is not. */
  static caching(directory: string, other: string, seconds: number): Promise<FuseMount> {
    const server = fileURLToPath(import.meta.resolve('./fuseMount/passthrough.ts'));
    return FuseMount.#over(directory, [process.execPath, server, DESCRIPTOR, other, String(seconds)]);
  }

  /** @param command becomes the file system's server, which is whoever holds the descriptor and reads requests from it */
  static async #over(directory: string, command: readonly string[]): Promise<FuseMount> {
    const options = `fd=${DESCRIPTOR},rootmode=40000,user_id=0,group_id=0,allow_other`;
    const script =
      `exec ${DESCRIPTOR}<>/dev/fuse && mount -i -t fuse -o ${options} test "$1" && ` +
      'echo mounted && shift && exec "$@"';
    const server = spawn('/bin/sh', ['-c', script, 'sh', directory, ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(server.stdout)) {
      if (line === 'mounted') return new FuseMount(server, directory);
    }
    throw new Error('no FUSE file system may be mounted here');
  }

  hang(): void {
    this.#server.kill('SIGSTOP');
  }

  comeBack(): void {
    this.#server.kill('SIGCONT');
  }

  /** Everybody who waits gets an error, and the directory is what it was. */
  remove(): void {
    this.#server.kill('SIGKILL');
    spawnSync('umount', ['-l', this.#directory]);
  }
}
