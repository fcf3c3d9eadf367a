/**
 * `npm run chaos -- --jobs N`: short jobs through real hooks, while every second some part is killed with SIGKILL and
 * started again. Every hook has to end with its own transcoder's exit code.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { hookText } from '../../pms/install/hookText.ts';
import { Random } from '../simulation/random.ts';
import { Part } from './part.ts';
import { behaviour, installRecordingTranscoder } from './recordingTranscoder.ts';
import { startProgram } from './startProgram.ts';

export interface ChaosOptions {
  readonly jobs: number;
  readonly workers: number;
  /** Hooks at a time. */
  readonly width: number;
  readonly killEveryMs: number;
  readonly seed: number;
}

export interface ChaosResult {
  /** Exit codes that were another, and why. */
  readonly wrong: ReadonlyMap<string, number>;
  readonly killed: ReadonlyMap<string, number>;
  /** Command lines of processes, and sockets, that outlived everything. */
  readonly left: readonly string[];
}

/** A part that is started again whenever it ends, as s6, systemd and Kubernetes do. */
class Supervised {
  readonly #start: () => Part;
  #part: Part;
  #done = false;

  constructor(start: () => Part) {
    this.#start = start;
    this.#part = start();
    this.#watch();
  }

  kill(): void {
    this.#part.child.kill('SIGKILL');
  }

  listening(): Promise<string> {
    return this.#part.listening();
  }

  async stop(): Promise<void> {
    this.#done = true;
    await this.#part.stop();
  }

  #watch(): void {
    void this.#part.exited.then(() => {
      if (this.#done) return;
      this.#part = this.#start();
      this.#watch();
    });
  }
}

export async function chaos({ jobs, workers, width, killEveryMs, seed }: ChaosOptions): Promise<ChaosResult> {
  const directory = mkdtempSync(join(tmpdir(), 'chaos-'));
  const random = new Random(seed);
  const socket = join(directory, 'relay.sock');
  const hook = join(directory, 'hook.cjs');
  const cwd = join(directory, 'transcode');
  mkdirSync(cwd);
  writeFileSync(hook, hookText());
  await installRecordingTranscoder(directory);
  await installRecordingTranscoder(directory, 'originalTranscoder');

  // Below those that the system gives to connections: who dials a port of those, while nobody listens, may get itself.
  const port = String(20_000 + (process.pid % 10_000));
  const common = { ORCHESTRATOR_URL: `http://127.0.0.1:${port}`, LOG_LEVEL: 'error' };
  const relays: Part[] = [];
  const parts = new Map<string, Supervised>([
    [
      'orchestrator',
      new Supervised(() => new Part('orchestrator/main.ts', { LOG_LEVEL: 'error', LISTENING_PORT: port })),
    ],
    [
      'relay',
      new Supervised(() => {
        const env = { ...common, LOG_LEVEL: 'warn', LOCAL_RELAY_PORT: '0', RELAY_SOCKET: socket };
        const relay = new Part('pms/relay.ts', env);
        relays.push(relay);
        return relay;
      }),
    ],
  ]);
  for (let index = 0; index < workers; index += 1) {
    const env = {
      ...{ ...common, WORKER_NAME: `w${index}`, WORKER_SLOTS: '4', LISTENING_PORT: '0' },
      ...{
        TRANSCODER_PATH: directory,
        MOUNTS: `${directory}:rw`,
        STAT_CPU_OPS_DURATION: '0',
        KILL_GRACE_MS: '500',
      },
    };
    parts.set(`w${index}`, new Supervised(() => new Part('worker/main.ts', env)));
  }
  await Promise.all([...parts.values()].map((part) => part.listening()));

  const wrong = new Map<string, number>();
  const killed = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const runOne = async (number: number): Promise<void> => {
    const code = number % 3 === 0 ? 0 : number % 250;
    const { child } = startProgram({
      file: process.execPath,
      argv: [hook, ...behaviour({ log: 'x' }, { exit: code })],
      env: { PATH: '/usr/bin:/bin', RELAY_SOCKET: socket, TRANSCODER_PATH: directory },
      cwd,
    });
    const got = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (got === code) return;
    const verdicts = relays.flatMap(({ log }) => log.filter(({ exitCode }) => exitCode === got));
    count(wrong, `got ${got}; the last relay that said so: ${JSON.stringify(verdicts.at(-1))}`);
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < jobs) {
      next += 1;
      await runOne(next);
    }
  };
  const over = new AbortController();
  const killer = async (): Promise<void> => {
    for (;;) {
      await after(killEveryMs, null, { signal: over.signal });
      const victim = random.pick([...parts.keys()]);
      count(killed, victim.replace(/^w\d+$/, 'worker'));
      parts.get(victim)?.kill();
    }
  };
  const killing = killer().catch(() => undefined);
  await Promise.all(Array.from({ length: width }, lane));
  over.abort();
  await killing;
  for (const part of [...parts.values()].reverse()) await part.stop();
  const left = [...processesOf(directory), ...(existsSync(socket) ? [socket] : [])];
  rmSync(directory, { recursive: true, force: true });
  return { wrong, killed, left };
}

function processesOf(directory: string): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const [command, env] = ['cmdline', 'environ'].map((name) =>
        readFileSync(`/proc/${entry}/${name}`, 'latin1'),
      );
      const isOurs = Number(entry) !== process.pid && `${command}${env}`.includes(directory);
      return isOurs ? [`${entry} ${command?.replaceAll('\0', ' ').slice(0, 200)}`] : [];
    } catch {
      return [];
    }
  });
}
