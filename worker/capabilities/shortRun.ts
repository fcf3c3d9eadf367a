import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Environment } from '#shared/settings/read.ts';
import { sendSignal } from '../transcoder/marked.ts';

/** More than any answer: what is longer is cut. */
const MAX_TEXT = 1024 * 1024;

export interface ShortRunOptions {
  readonly file: string;
  readonly words: readonly string[];
  /** Carries the worker's mark, so that one that hangs does not outlive the worker. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** What gives way to everything else has a high one. */
  readonly niceness?: number;
}

export interface ShortRun {
  /** Null when it could not be started, did not end in time, or a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it could not be started at all. */
  readonly error: Error | null;
}

/**
 * Runs a program that is to answer quickly. At the deadline it is killed with its group and not waited for: a process
 * that hangs in a GPU's driver does not even die.
 */
export function shortRun({
  file,
  words,
  env,
  clock,
  deadlineMs,
  niceness = 0,
}: ShortRunOptions): Promise<ShortRun> {
  return new Promise((resolve) => {
    const child = started(file, words, env);
    if (child instanceof Error) {
      resolve({ exitCode: null, stdout: '', stderr: '', error: child });
      return;
    }
    if (niceness > 0) giveWay(child.pid, niceness);
    const { stdout, stderr } = child;
    const said = { stdout: '', stderr: '' };
    let exitCode: number | null = null;
    const endGroup = (): void => {
      if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
    };
    const end = (error: Error | null = null): void => {
      deadline.cancel();
      resolve({ exitCode, ...said, error });
    };
    const deadline = clock.after(deadlineMs, () => {
      endGroup();
      for (const stream of [stdout, stderr]) stream?.destroy();
      child.unref();
      end();
    });
    child.on('error', end);
    // There are none when too many files are open.
    stdout?.on('data', (data: Buffer) => {
      if (said.stdout.length < MAX_TEXT) said.stdout += data.toString();
    });
    stderr?.on('data', (data: Buffer) => {
      if (said.stderr.length < MAX_TEXT) said.stderr += data.toString();
    });
    child.once('exit', (code) => {
      exitCode = code;
      endGroup();
    });
    child.once('close', () => end());
  });
}

function giveWay(pid: number | undefined, niceness: number): void {
  try {
    if (pid !== undefined) setPriority(pid, niceness);
  } catch {
    // It has ended already.
  }
}

function started(file: string, words: readonly string[], env: Environment): ChildProcess | Error {
  try {
    return spawn(file, words, { env, detached: true, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return coerceError(error);
  }
}
