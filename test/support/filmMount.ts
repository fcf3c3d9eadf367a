import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A film on a file server of its own, which can hang and come back. */
export class FilmMount {
  readonly #directory: string;
  readonly #server: ChildProcess;

  private constructor(directory: string, server: ChildProcess) {
    this.#directory = directory;
    this.#server = server;
  }

  /** Shows the film, and nothing else, in this directory. */
  static async over(directory: string, film: string): Promise<FilmMount> {
    const script = fileURLToPath(import.meta.resolve('./filmMount/server.ts'));
    const args = [script, directory, film];
    const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(server.stdout)) {
      if (line === 'mounted') return new FilmMount(directory, server);
    }
    throw new Error('no FUSE file system may be mounted here');
  }

  hang(): void {
    this.#server.kill('SIGSTOP');
  }

  comeBack(): void {
    this.#server.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    spawnSync('umount', ['-l', this.#directory]);
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const exited = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await exited;
  }
}
