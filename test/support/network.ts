import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A machine of the network. All share one file system, as machines do that mount the same NFS. */
export interface Host {
  readonly address: string;
  /** Put in front of a command, it runs there. */
  readonly enter: readonly string[];
}

interface Machine extends Host {
  readonly device: string;
  /** How `ip` is asked about it. */
  readonly scope: readonly string[];
  /** The bridge's side of its cable; null for this process's own machine, which is the bridge. */
  readonly port: string | null;
}

/** Nobody's: what is sent there is taken off the wire by no one. */
const NOBODY = '02:00:00:00:de:ad';

const FORWARDING = '3';
const DISABLED = '0';

/** cpxPID-NUMBER: of bridges, cables and namespaces, so that a later run finds what a killed one left. */
const NAME = /\bcpx(\d+)-\d+\b/g;

let made = 0;

/**
 * Machines as network namespaces on a bridge. What a cut or a loss swallows is gone without a trace: no reset, no
 * loss of carrier, no "unreachable", as behind a dead switch.
 */
export class Network {
  /** Where this process and its fake PMS are. */
  readonly home: Host;
  readonly #bridge: string;
  readonly #subnet: string;
  readonly #machines = new Map<Host, Machine>();
  readonly #lost: { from: Machine; to: Machine }[] = [];
  readonly #cut = new Set<Machine>();

  private constructor() {
    removeStale();
    this.#bridge = nextName();
    this.#subnet = freeSubnet();
    // With an address of its own, it does not take another with each cable.
    ip('link', 'add', this.#bridge, 'address', `02:00:00:00:00:01`, 'type', 'bridge');
    ip('addr', 'add', `${this.#subnet}.1/24`, 'dev', this.#bridge);
    ip('link', 'set', this.#bridge, 'up');
    this.home = this.#add({
      ...{ address: `${this.#subnet}.1`, enter: [], device: this.#bridge, scope: [], port: null },
    });
  }

  /** @throws when this machine can't have one */
  static create(): Network {
    return new Network();
  }

  /** Why this machine can't have one, or null: tried, because a sandbox may forbid it to root, too. */
  static obstacle(): string | null {
    try {
      const network = new Network();
      try {
        const host = network.host();
        run([...host.enter, 'true']);
        network.cut(host);
      } finally {
        network.remove();
      }
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** One more machine. */
  host(): Host {
    const [name, address] = [nextName(), `${this.#subnet}.${this.#machines.size + 1}`];
    ip('netns', 'add', name);
    const scope = ['-n', name];
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', name, 'master', this.#bridge, 'up');
    ip(...scope, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip(...scope, 'link', 'set', 'lo', 'up');
    ip(...scope, 'link', 'set', 'eth0', 'up');
    // Not `ip netns exec`: that has mounts of its own, and would not see those that come later.
    const enter = ['nsenter', `--net=/run/netns/${name}`];
    return this.#add({ address, enter, device: 'eth0', scope, port: name });
  }

  /** Nothing goes to it or comes from it any more. */
  cut(host: Host): void {
    const machine = this.#machine(host);
    if (machine.port === null)
      throw new Error('this process’s own machine has no cable; let it lose the others');
    setPort(machine.port, DISABLED);
    this.#cut.add(machine);
  }

  /** Nothing that the one sends to the other arrives any more; what the other sends does. */
  lose(from: Host, to: Host): void {
    const pair = { from: this.#machine(from), to: this.#machine(to) };
    const { scope, device } = pair.from;
    ip(...scope, 'neigh', 'replace', to.address, 'lladdr', NOBODY, 'dev', device, 'nud', 'permanent');
    this.#lost.push(pair);
  }

  /** Nothing that it sends arrives anywhere; it hears everybody. */
  mute(host: Host): void {
    for (const other of this.#machines.keys()) if (other !== host) this.lose(host, other);
  }

  /** It hears nobody; everybody hears it. */
  deafen(host: Host): void {
    for (const other of this.#machines.keys()) if (other !== host) this.lose(other, host);
  }

  /** Everything is as it was. */
  heal(): void {
    for (const { port } of this.#cut) if (port !== null) setPort(port, FORWARDING);
    this.#cut.clear();
    for (const { from, to } of this.#lost.splice(0)) {
      ip(...from.scope, 'neigh', 'del', to.address, 'dev', from.device);
    }
  }

  /** Ends whatever still runs on its machines. */
  remove(): void {
    for (const { port } of this.#machines.values()) if (port !== null) removeByName(port);
    removeByName(this.#bridge);
  }

  #add(machine: Machine): Host {
    this.#machines.set(machine, machine);
    return machine;
  }

  #machine(host: Host): Machine {
    const machine = this.#machines.get(host);
    if (!machine) throw new Error('a host of another network');
    return machine;
  }
}

function nextName(): string {
  made += 1;
  return `cpx${process.pid}-${made}`;
}

/** Of the range for tests of network devices. */
function freeSubnet(): string {
  const taken = ip('-4', '-o', 'addr');
  for (let index = 0; index < 256; index += 1) {
    const subnet = `198.18.${(process.pid + index) % 256}`;
    if (!taken.includes(` ${subnet}.`)) return subnet;
  }
  throw new Error('198.18.0.0/16 is all in use here');
}

/** What a run left that was killed before it could tidy up. */
function removeStale(): void {
  const listed = `${ip('netns', 'list')}\n${ip('-o', 'link')}`;
  for (const [name, pid] of listed.matchAll(NAME)) if (!existsSync(`/proc/${pid}`)) removeByName(name);
}

function removeByName(name: string): void {
  if (existsSync(`/run/netns/${name}`)) {
    for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) kill(Number(pid));
    ip('netns', 'del', name);
  }
  // Where its other end was in the namespace, it goes with that, but later.
  if (existsSync(`/sys/class/net/${name}`)) spawnSync('ip', ['link', 'del', name]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function setPort(port: string, state: string): void {
  run(['bridge', 'link', 'set', 'dev', port, 'state', state]);
}

function ip(...args: readonly string[]): string {
  return run(['ip', ...args]);
}

function run([file = '', ...args]: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
