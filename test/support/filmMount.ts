import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A film on a file server of its own, which can hang and come back, or have another take its place. */
export class FilmMount {
  readonly #directory: string;
  readonly #film: string;
  readonly #servers: ChildProcess[];

  private constructor(directory: string, film: string, server: ChildProcess) {
    this.#directory = directory;
    this.#film = film;
    this.#servers = [server];
  }

  /** Shows the film, and nothing else, in this directory. */
  static async over(directory: string, film: string): Promise<FilmMount> {
    return new FilmMount(directory, film, await serve(directory, film));
  }

  hang(): void {
    this.#servers.at(-1)?.kill('SIGSTOP');
  }

  comeBack(): void {
    this.#servers.at(-1)?.kill('SIGCONT');
  }

  /** Whoever has a file of the old one open waits on. */
  async takeOver(): Promise<void> {
    spawnSync('umount', ['-l', this.#directory]);
    this.#servers.push(await serve(this.#directory, this.#film));
  }

  async remove(): Promise<void> {
    spawnSync('umount', ['-l', this.#directory]);
    for (const server of this.#servers) {
      if (server.exitCode !== null || server.signalCode !== null) continue;
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
  }
}

async function serve(directory: string, film: string): Promise<ChildProcess> {
  const script = fileURLToPath(import.meta.resolve('./filmMount/server.ts'));
  const server = spawn(process.execPath, [script, directory, film], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(server.stdout)) if (line === 'mounted') return server;
  throw new Error('no FUSE file system may be mounted here');
}
