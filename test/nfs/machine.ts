import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** For the environment of a part. The host's files can only be read. */
export const CACHE = { NODE_COMPILE_CACHE: '/tmp/cache' };

const LIMIT_MS = 60_000;
const BRIDGE = 'lan';

/** Of the machine that the virtual one itself is, outside of all namespaces. */
export const HOME = '192.168.1.1';

// biome-ignore lint/style/noProcessEnv: from the virtual machine's init
const { programs = '' } = process.env;

export function inPrograms(path: string): string {
  return join(programs, path);
}

/** Runs a script of the shell here. @returns what it said */
export function shell(script: string, enter: readonly string[] = []): string {
  const [file = '', ...args] = [...enter, '/bin/sh', '-euc', script];
  const end = spawnSync(file, args, { encoding: 'utf8', timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  if (end.error) throw end.error;
  if (end.status !== 0) throw new Error(`${script}: ended with ${end.status}: ${end.stdout}${end.stderr}`);
  return end.stdout.trim();
}

/** A machine of the network 192.168.1.0/24: a network namespace, and one of mounts. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly enter: readonly string[];
  readonly #cable: string;

  private constructor(name: string, address: string, holder: ChildProcess) {
    this.name = name;
    this.address = address;
    this.#cable = `${name}-cable`;
    this.enter = ['nsenter', '-t', String(holder.pid), '-m', '-n', '-u'];
  }

  static lan(): void {
    shell(
      `ip link add ${BRIDGE} type bridge; ip addr add ${HOME}/24 dev ${BRIDGE}; ip link set ${BRIDGE} up`,
    );
  }

  static async start(name: string, address: string): Promise<Machine> {
    shell(`
      ip netns add ${name}
      ip link add ${name}-cable type veth peer name eth0 netns ${name}
      ip link set ${name}-cable master ${BRIDGE} up
      ip -n ${name} addr add ${address}/24 dev eth0
      ip -n ${name} link set eth0 up
      ip -n ${name} link set lo up
    `);
    // Of hosts with one name NFS believes that they are one.
    const holder = await held([
      ...['nsenter', `--net=/run/netns/${name}`, 'unshare', '-m', '-u', '--propagation', 'private'],
      ...['/bin/sh', '-c', 'echo "$1" > /proc/sys/kernel/hostname; shift; exec "$@"', 'sh', name],
    ]);
    return new Machine(name, address, holder);
  }

  /** As in a container that was given the directory with `HostToContainer`. */
  async container(): Promise<readonly string[]> {
    const holder = await held([...this.enter, 'unshare', '-m', '--propagation', 'slave']);
    return ['nsenter', '-t', String(holder.pid), '-m', '-n'];
  }

  run(script: string): string {
    return shell(script, this.enter);
  }

  /** Starts a program that stays, and resolves when it has said this line. */
  async start(command: readonly string[], said: string): Promise<ChildProcess> {
    const [file = '', ...args] = [...this.enter, ...command];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(child.stdout)) if (line === said) return child;
    throw new Error(`${command.join(' ')} ended`);
  }

  /** Nobody hears of it any more, and it of nobody. */
  lose(): void {
    shell(`ip link set ${this.#cable} down`);
  }

  comeBack(): void {
    shell(`ip link set ${this.#cable} up`);
  }
}

/** A process that does nothing but keep namespaces. */
async function held(command: readonly string[]): Promise<ChildProcess> {
  const [file = '', ...args] = [...command, '/bin/sh', '-c', 'echo held; exec sleep infinity'];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) if (line === 'held') return child;
  throw new Error(`${command.join(' ')}: no namespaces`);
}
