import type { ChildProcess } from 'node:child_process';
import { Part } from '../support/part.ts';
import { CACHE, inPrograms, Machine } from './machine.ts';
import { programOf } from './programs.ts';

export const DFS = '/mnt/clusterplex/dfs';
export const FILMS = ['film1', 'film2', 'film3', 'film4'] as const;

const DESCRIPTOR = '9';
// biome-ignore lint/style/noProcessEnv: from the virtual machine's init
const { project = '' } = process.env;
const HOST_FILES = `${project}/deploy/host`;
const FILE_SYSTEM = inPrograms(programOf('test/support/fuseMount/passthrough.ts'));

/** A machine with a FUSE file system and an NFS server, set up with the files of deploy/host. */
export class StorageNode {
  readonly machine: Machine;
  #daemon: ChildProcess | null = null;
  #probe: Part | null = null;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  static async start(name: string, address: string): Promise<StorageNode> {
    const machine = await Machine.start(name, address);
    machine.run(`
      mount -t tmpfs lib /var/lib/nfs
      mkdir /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs
      for file in etab rmtab; do : > "/var/lib/nfs/$file"; done
      mount -t tmpfs exports /etc/exports.d
      mount -t tmpfs conf /etc/nfs.conf.d
      cp ${HOST_FILES}/exports.d/${name}.exports /etc/exports.d/clusterplex.exports
      cp ${HOST_FILES}/nfs.conf.d/clusterplex.conf /etc/nfs.conf.d/
      mount -t nfsd nfsd /proc/fs/nfsd
      mkdir -p ${DFS} /srv/films
      mount -t tmpfs mnt /mnt/clusterplex
      mkdir ${DFS}
      exportfs -ra
      rpc.nfsd 4
      rpc.mountd
    `);
    return new StorageNode(machine);
  }

  get address(): string {
    return this.machine.address;
  }

  /** The service that tells the NFS server of the FUSE mount. */
  async follow(): Promise<void> {
    const script = `${HOST_FILES}/clusterplex-dfs-exports & echo followed; wait`;
    await this.machine.start(['/bin/sh', '-c', script], 'followed');
  }

  async probe(): Promise<void> {
    this.#probe = new Part('dfs/probe.ts', CACHE, this.machine.enter);
    await this.#probe.listening();
  }

  /** Starts the daemon, which gives its files numbers in the order in which they are asked for. */
  async mount(directory: string, order: readonly string[]): Promise<void> {
    const options = `fd=${DESCRIPTOR},rootmode=40000,user_id=0,group_id=0,allow_other`;
    const script = `exec ${DESCRIPTOR}<>/dev/fuse && mount -i -t fuse -o ${options} films ${DFS} && echo mounted && exec "$@"`;
    const server = [process.execPath, FILE_SYSTEM, DESCRIPTOR, directory, '1'];
    this.#daemon = await this.machine.start(['/bin/sh', '-c', script, 'sh', ...server], 'mounted');
    this.machine.run(order.map((name) => `stat ${DFS}/${name}.mkv >/dev/null`).join('\n'));
  }

  /** The daemon ends, and its mount with it. */
  unmount(): void {
    this.#daemon?.kill('SIGKILL');
    this.machine.run(`umount -l ${DFS}`);
  }

  /** The daemon answers nobody, and the NFS server lives. */
  hang(): void {
    this.#daemon?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#daemon?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.#probe?.stop('SIGKILL');
  }
}
