import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';

/** A healthy mount answers in milliseconds; NFS that has to reconnect in a second or two. */
export const DEADLINE_MS = 5_000;

export interface ScriptEnd {
  readonly code: number | null;
  readonly said: string;
}

/**
 * A shell script that looks at a mount, again and again, each time in a process of its own: a file-system call on a dead
 * NFS server does not return, not even for SIGKILL, and must not hang anything but itself. While one hangs no second one
 * is started. Its `$0` is a name that no other run has.
 */
export class Script {
  readonly #text: string;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #hanging: ChildProcess | null = null;

  constructor(text: string, clock: Clock, deadlineMs = DEADLINE_MS) {
    this.#text = text;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** Null when it hangs. */
  run(words: readonly string[]): Promise<ScriptEnd | null> {
    if (this.#hanging) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const child = spawn('/bin/sh', ['-c', this.#text, randomUUID(), ...words], {
        // What it starts has the fourth, too: so it is closed when all of them have ended.
        stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
        detached: true,
      });
      this.#hanging = child;
      const said: Buffer[] = [];
      const deadline = this.#clock.after(this.#deadlineMs, () => {
        killGroup(child.pid);
        child.unref();
        child.stdout?.destroy();
        resolve(null);
      });
      child.once('error', (error) => {
        this.#hanging = null;
        deadline.cancel();
        reject(error);
      });
      child.once('close', (code) => {
        this.#hanging = null;
        deadline.cancel();
        resolve({ code, said: Buffer.concat(said).toString() });
      });
      // Undefined where no pipe could be opened, whatever the types say: then there was an error.
      if (child.pid !== undefined) child.stdout?.on('data', (data: Buffer) => said.push(data));
    });
  }
}

/** It, and what it waits for: often that hangs, and not the shell. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All have ended meanwhile.
  }
}
