import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, RelaysPlan, RelaysReport, WorkersPlan, WorkersReport } from './plan.ts';

const ROOT = new URL('../../', import.meta.url);

/** Clock ticks a second, which `/proc` counts CPU time in. */
const TICKS = 100;

/** Memory that a process holds. */
export function residentBytes(pid = 0): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kilobytes) * 1_024;
}

/** Milliseconds of CPU time that a process has taken so far. */
export function cpuMs(pid = 0): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ran = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'));
  return ran.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6;
}

/** Those with which users start it: `npm run orchestrator`. */
function flagsOf(file: string): string[] {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(new URL('package.json', ROOT), 'utf8'),
  );
  const words = Object.values(scripts).map((script) => script.split(' '));
  return words.find((each) => each.at(-1) === file)?.filter((word) => word.startsWith('--')) ?? [];
}

/** What is measured: the orchestrator, or the reference, as a process of its own. */
export class Subject {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(
    file: 'orchestrator/main.ts' | 'bench/load/bareRelay.ts',
    env: Record<string, string> = {},
  ): Promise<Subject> {
    const child = spawn(process.execPath, [...flagsOf(file), file], {
      cwd: ROOT,
      env: { PATH: '/usr/bin:/bin', LISTENING_PORT: '0', LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(child.stdout)) {
      if (line.startsWith('listening ')) return new Subject(child, line.slice('listening '.length));
    }
    throw new Error(`${file} ended`);
  }

  /** Seconds of CPU time so far. */
  get cpu(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  }

  /** Bytes of memory that it holds. */
  get memory(): number {
    return residentBytes(this.#child.pid);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** One process that makes load; of workers, or of relays. */
export class Load<Report> {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static workers(plan: Omit<WorkersPlan, 'role'>): Promise<Load<WorkersReport>> {
    return Load.#start<WorkersReport>({ ...plan, role: 'workers' });
  }

  static relays(plan: Omit<RelaysPlan, 'role'>): Promise<Load<RelaysReport>> {
    return Load.#start<RelaysReport>({ ...plan, role: 'relays' });
  }

  /** Connected, and idle. */
  static async #start<Report>(plan: LoadPlan): Promise<Load<Report>> {
    const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), [], { execArgv: [] });
    const load = new Load<Report>(child);
    child.send(plan);
    await load.#next('ready');
    return load;
  }

  /** Does its work; of workers: says what they have done so far. */
  async run(): Promise<Report> {
    this.#child.send('go');
    const { report } = await this.#next('report');
    if (!report) throw new Error('no report');
    return report;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  async #next(type: string): Promise<{ report?: Report }> {
    const ended = once(this.#child, 'exit').then(() => {
      throw new Error('a process that makes load ended');
    });
    const [message] = await Promise.race([once(this.#child, 'message'), ended]);
    if (message.type !== type) throw new Error(`expected ${type}`);
    return message;
  }
}
