import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createInterface } from 'node:readline';

/** A file system that never answers, mounted over a directory: whoever looks there waits, as for a dead NFS server. */
export class HungMount {
  readonly #server: ChildProcess;
  readonly #directory: string;

  private constructor(server: ChildProcess, directory: string) {
    this.#server = server;
    this.#directory = directory;
  }

  /** Why this machine can't have one, or null. */
  static get obstacle(): string | null {
    if (process.getuid?.() !== 0) return 'only root may mount';
    try {
      accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
      return null;
    } catch {
      return 'there is no /dev/fuse';
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
    throw new Error('nothing could be mounted');
  }

  /** Everybody who waits gets an error, and the directory is what it was. */
  remove(): void {
    this.#server.kill('SIGKILL');
    spawnSync('umount', ['-l', this.#directory]);
  }
}
