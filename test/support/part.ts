import { type ChildProcess, spawn } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compileCache } from './compileCache.ts';

export type LogLine = Readonly<Record<string, unknown>>;

export interface PartExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A long-lived part as a process of its own, as users run it. */
export class Part {
  /** By entry point, what is started in its place: the tests set it. */
  static bundles: Readonly<Record<string, string>> = {};
  readonly child: ChildProcess;
  readonly exited: Promise<PartExit>;
  /** Every line of its stderr, parsed where it is JSON. */
  readonly log: LogLine[] = [];
  readonly #waiting = new Set<() => void>();
  #listening: string | null = null;

  /**
   * @param file the part's entry point, from the project's root: `worker/main.ts`; or wherever it lies
   * @param enter brings it to another host
   */
  constructor(file: string, env: Readonly<Record<string, string>>, enter: readonly string[] = []) {
    const path = Part.bundles[file] ?? (isAbsolute(file) ? file : sourceOf(file));
    const [command = '', ...args] = [...enter, process.execPath, path];
    this.child = spawn(command, args, {
      // Nothing of the developer's environment may decide about a test.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...compileCache, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error('no pipes');
    createInterface(stdout).on('line', (line) => {
      if (line.startsWith('listening ')) this.#listening = line.slice('listening '.length);
      this.#wake();
    });
    createInterface(stderr).on('line', (line) => {
      this.log.push(parseLine(line));
      this.#wake();
    });
    this.child.once('exit', () => this.#wake());
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Where it says that it listens. Fails when it ends before. */
  async listening(): Promise<string> {
    await this.until(() => this.#listening !== null);
    return this.#listening ?? '';
  }

  /** Waits until the condition holds; looked at whenever the part says something. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended)
        throw new Error(`the part ended (${this.child.exitCode}): ${JSON.stringify(this.log.slice(-5))}`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** Waits for a line of the log with this message, and with these fields; or for so many. */
  async logged(message: string, fields: LogLine = {}, times = 1): Promise<void> {
    await this.until(() => this.lines(message, fields).length >= times);
  }

  /** Those of the log with this message, and with these fields. */
  lines(message: string, fields: LogLine = {}): LogLine[] {
    return this.log.filter((line) => matches(line, { msg: message, ...fields }));
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<PartExit> {
    if (!this.ended) this.child.kill(signal);
    return this.exited;
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

function matches(line: LogLine, fields: LogLine): boolean {
  return Object.entries(fields).every(([name, value]) => line[name] === value);
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : { msg: line };
  } catch {
    return { msg: line };
  }
}

export function sourceOf(file: string): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url));
}
