import { spawnSync } from 'node:child_process';
import { Part } from '../support/part.ts';
import { CACHE, Machine, shell } from './machine.ts';
import { until } from './report.ts';
import { DFS } from './storageNode.ts';

/** The emulated processor is ten times slower than any that this runs on. */
export const DFS_LOST_MS = '8000';

/** After a server has come back, what is given back to it takes as long as the client waits between two attempts. */
const FORGOTTEN_MS = 120_000;

/** Of one read. */
const READ_MS = 20_000;

/** A machine where dfs-mount runs, and a container that sees what it mounts. */
export class GpuNode {
  readonly machine: Machine;
  /** Runs programs in the container. */
  readonly inside: readonly string[];
  #mount: Part | null = null;

  private constructor(machine: Machine, inside: readonly string[]) {
    this.machine = machine;
    this.inside = inside;
  }

  static async start(name: string, address: string): Promise<GpuNode> {
    const machine = await Machine.start(name, address);
    machine.run(`
      mkdir -p /mnt/clusterplex
      mount -t tmpfs mnt /mnt/clusterplex
      mount --make-shared /mnt/clusterplex
      mkdir ${DFS}
    `);
    return new GpuNode(machine, await machine.container());
  }

  get mount(): Part {
    if (!this.#mount) throw new Error('dfs-mount was not started');
    return this.#mount;
  }

  async keepMounted(servers: readonly string[]): Promise<void> {
    const env = { ...CACHE, DFS_SERVERS: servers.join(','), LISTENING_HOST: '127.0.0.1', DFS_LOST_MS };
    this.#mount = new Part('dfs/mount.ts', env, this.machine.enter);
    await this.#mount.listening();
  }

  /** Whose export is mounted; null when none is. */
  get server(): string | null {
    const table = shell('cat /proc/self/mountinfo', this.machine.enter);
    const [, server = null] = new RegExp(` ${DFS} .* - nfs4 ([0-9.]+):`).exec(table) ?? [];
    return server;
  }

  /** Waits until the export of this server is mounted and the container reads its films. */
  shows(address: string, limitMs: number): Promise<number> {
    return until(
      `${address} is mounted and read`,
      () => this.server === address && this.reads('film1') === 'film1',
      limitMs,
    );
  }

  /** What a film begins with, as the container reads it; or why it can't. */
  reads(film: string, { directory = DFS, enter = this.inside, limitMs = READ_MS } = {}): string {
    const script = `LC_ALL=C head -c ${film.length} ${directory}/${film}.mkv 2>&1`;
    const [file = '', ...args] = [...enter, '/bin/sh', '-c', script];
    const options = { encoding: 'utf8', timeout: limitMs, killSignal: 'SIGKILL' } as const;
    const { stdout, signal } = spawnSync(file, args, options);
    return signal === null ? stdout.trim() : 'it hangs';
  }

  /**
   * Without dfs-mount and its mount, and forgotten by the kernel: it would take another address of a server that it still
   * knows for the one that it knows, and mount that.
   */
  async leave(): Promise<void> {
    await this.mount.stop();
    this.machine.run(`umount -i -f -l ${DFS}`);
    const known = () => shell('tail -n +2 /proc/fs/nfsfs/servers', this.machine.enter).trim();
    await until('no server is known any more', () => known() === '', FORGOTTEN_MS);
  }

  /** What dfs-mount says of itself. */
  metric(name: string): number {
    const address = '127.0.0.1:3503';
    const text = shell(`curl -s http://${address}/metrics`, this.machine.enter);
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }
}
