import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { coerceError } from '#shared/errors.ts';

/** A file system that never answers, mounted over a directory: whoever looks there waits, as for a dead NFS server. */
export class HungMount {
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
      (await HungMount.over(directory)).remove();
      return null;
    } catch (error) {
      return coerceError(error).message;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  static async over(directory: string): Promise<HungMount> {
    // The file system's server is whoever holds this descriptor, and it reads no request.
    const script =
      'exec 9<>/dev/fuse && mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0,allow_other hung "$1" && ' +
      'echo mounted && exec sleep 3600';
    const server = spawn('/bin/sh', ['-c', script, 'sh', directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(server.stdout)) {
      if (line === 'mounted') return new HungMount(server, directory);
    }
    throw new Error('no FUSE file system may be mounted here');
  }

  /** Everybody who waits gets an error, and the directory is what it was. */
  remove(): void {
    this.#server.kill('SIGKILL');
    spawnSync('umount', ['-l', this.#directory]);
  }
}
