import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { Output } from '../../cli/output.ts';
import { run } from '../../cli/run.ts';
import { compileCache } from './compileCache.ts';

const COMMAND = fileURLToPath(new URL('../../cli/clusterplex', import.meta.url));

const SURROUNDINGS = { PATH: '/usr/local/bin:/usr/bin:/bin', ...compileCache };

export interface CliExit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as users do, with nothing of the developer's environment. */
export function clusterplex(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  enter: readonly string[] = [],
): Promise<CliExit> {
  const [file = '', ...words] = [...enter, COMMAND, ...args];
  return new Promise((resolve) => {
    execFile(file, words, { env: { ...SURROUNDINGS, ...env }, timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
      resolve({ code, stdout, stderr });
    });
  });
}

/** The same in this process, which is faster. One at a time: it has one environment. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CliExit> {
  for (const name of KNOWN_SETTINGS) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const [out, errors] = [new Kept(), new Kept()];
  try {
    const code = await run(args, new Output(out), new Output(errors));
    return { code, stdout: out.text, stderr: errors.text };
  } finally {
    vi.unstubAllEnvs();
  }
}

class Kept extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** One that goes on until it is stopped. */
export class CliProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    const child = spawn(COMMAND, args, {
      env: { ...SURROUNDINGS, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** Waits for a line. */
  async said(what: RegExp): Promise<void> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done) throw new Error(`it ended and never said ${what}`);
      if (what.test(value)) return;
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill();
    await exited;
  }
}
