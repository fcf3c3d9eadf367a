import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteString } from '#shared/bytes.ts';
import { wrapperText } from '#shared/hookWrapper.ts';
import { hookText } from '../../pms/install/hookText.ts';
import type { Host } from './network.ts';
import { Part } from './part.ts';
import type { Replicas } from './replicas.ts';
import { startProgram } from './startProgram.ts';

export interface ClusterOptions {
  /** Names of the workers. */
  readonly workers: readonly string[];
  /** Directory in which the workers find their `Plex Transcoder`. */
  readonly transcoderDirectory: string;
  readonly slots?: number;
  readonly mounts?: string;
  readonly pmsPort?: number;
  /** The orchestrator's; default: a free one. */
  readonly port?: number;
  readonly token?: string;
  /** Orchestrators that run already, in place of the one that would be started. */
  readonly replicas?: Pick<Replicas, 'leader' | 'address'>;
  /** Where the orchestrator, the relay or the worker of this name runs; default: here. Hosts need a token. */
  readonly hostOf?: (part: string) => Host | undefined;
  /** Further settings of the relay. */
  readonly relayEnv?: Readonly<Record<string, string>>;
  /** Further settings of all parts. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface HookExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface RunningHook {
  readonly pid: number;
  readonly exited: Promise<HookExit>;
  /** Resolves with the first byte that it writes. */
  readonly spoke: Promise<void>;
}

/** All parts on this machine, as processes of their own, on free ports, in a directory of their own. */
export class Cluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'clusterplex-'));
  /** A session directory, shared by all. */
  readonly cwd = join(this.directory, 'transcode');
  readonly socket = join(this.directory, 'relay.sock');
  readonly workers = new Map<string, Part>();
  readonly #options: ClusterOptions;
  readonly #hook = join(this.directory, 'hook.cjs');
  #orchestrator: Part | null = null;
  #relay: Part | null = null;
  #address = '';
  #localRelayPort = '0';

  private constructor(options: ClusterOptions) {
    this.#options = options;
    mkdirSync(this.cwd);
    writeFileSync(this.#hook, hookText());
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    await cluster.startOrchestrator();
    await Promise.all([cluster.startRelay(), ...options.workers.map((name) => cluster.startWorker(name))]);
    return cluster;
  }

  get orchestrator(): Part {
    return present(this.#options.replicas?.leader ?? this.#orchestrator);
  }

  get relay(): Part {
    return present(this.#relay);
  }

  /** The orchestrator's address. */
  get address(): string {
    return this.#address;
  }

  async startOrchestrator(): Promise<void> {
    const { replicas } = this.#options;
    if (replicas) {
      this.#address = replicas.address;
      return;
    }
    // After a restart it is found where it was.
    const port = this.#address === '' ? String(this.#options.port ?? 0) : new URL(this.#address).port;
    const part = this.#part('orchestrator/main.ts', 'orchestrator', {
      LISTENING_PORT: port,
      // A recording transcoder that blocks stands still, and is to stay where it is.
      STALL_MS: this.#options.env?.['STALL_MS'] ?? '600000',
    });
    this.#orchestrator = part;
    this.#address = await part.listening();
  }

  async startRelay(): Promise<void> {
    const part = this.#part('pms/relay.ts', 'relay', {
      ORCHESTRATOR_URL: this.#address,
      // As above.
      LOCAL_RELAY_PORT: this.#localRelayPort,
      RELAY_SOCKET: this.socket,
      ...this.#options.relayEnv,
      ...(this.#options.pmsPort === undefined ? {} : { PMS_PORT: String(this.#options.pmsPort) }),
    });
    this.#relay = part;
    const [address = ''] = (await part.listening()).split(' ');
    this.#localRelayPort = URL.parse(address)?.port ?? '0';
    await part.logged('connected to the orchestrator');
  }

  async startWorker(name: string, env: Readonly<Record<string, string>> = {}): Promise<Part> {
    const part = this.#part('worker/main.ts', name, {
      ORCHESTRATOR_URL: this.#address,
      LISTENING_PORT: '0',
      WORKER_NAME: name,
      WORKER_SLOTS: String(this.#options.slots ?? 2),
      MOUNTS: this.#options.mounts ?? `${this.directory}:rw`,
      TRANSCODER_PATH: this.#options.transcoderDirectory,
      STAT_CPU_OPS_DURATION: '0',
      // Stand-ins have theirs inside, and to find that out takes a process.
      CODECS: this.#options.env?.['CODECS'] ?? 'off',
      KILL_GRACE_MS: '1000',
      DRAIN_TIMEOUT_MS: '0',
      ...env,
    });
    this.workers.set(name, part);
    await part.logged('connected to the orchestrator');
    await this.orchestrator.logged('worker connected', { worker: name });
    return part;
  }

  /** Puts the hook where PMS looks for its transcoder, with this original behind it, and says where that is. */
  installHook(original: string): string {
    const path = join(this.directory, 'Plex Transcoder');
    writeFileSync(path, wrapperText({ node: process.execPath, hook: this.#hook, original }), { mode: 0o755 });
    return path;
  }

  /** Starts the hook as PMS starts its transcoder. */
  startHook(
    argv: readonly ByteString[],
    options: { readonly cwd?: ByteString; readonly env?: Readonly<Record<string, ByteString>> } = {},
  ): RunningHook {
    const { child, stdout, stderr } = startProgram({
      file: process.execPath,
      argv: [this.#hook, ...argv],
      env: { PATH: '/usr/bin:/bin', RELAY_SOCKET: this.socket, ...options.env },
      cwd: options.cwd ?? this.cwd,
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    stdout.on('data', (data: Buffer) => output.stdout.push(data));
    stderr.on('data', (data: Buffer) => output.stderr.push(data));
    const exited = new Promise<HookExit>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const [out, err] = [Buffer.concat(output.stdout), Buffer.concat(output.stderr)];
        resolve({ code, signal, stdout: out, stderr: err });
      });
    });
    const spoke = new Promise<void>((resolve) => {
      for (const stream of [stdout, stderr]) stream.once('data', () => resolve());
    });
    return { pid: child.pid ?? -1, exited, spoke };
  }

  runHook(...args: Parameters<Cluster['startHook']>): Promise<HookExit> {
    return this.startHook(...args).exited;
  }

  /** Asks the orchestrator's API. */
  async api(path: string, init: RequestInit = {}): Promise<unknown> {
    const { token } = this.#options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.#address}${path}`, { ...init, headers });
    return response.json();
  }

  /** Everything that any part has logged. */
  logs(): string {
    const parts = [this.orchestrator, this.relay, ...this.workers.values()];
    return parts.flatMap(({ log }) => log.map((line) => JSON.stringify(line))).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.workers.values(), this.#relay].map((part) => part?.stop()));
    await this.#orchestrator?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #part(file: string, name: string, env: Readonly<Record<string, string>>): Part {
    const { token, env: common, hostOf } = this.#options;
    const host = hostOf?.(name);
    const access =
      token === undefined ? {} : { CLUSTERPLEX_TOKEN: token, LISTENING_HOST: host?.address ?? '127.0.0.1' };
    return new Part(file, { ...access, ...common, ...env }, host?.enter);
  }
}

function present(part: Part | null): Part {
  if (!part) throw new Error('not started');
  return part;
}
