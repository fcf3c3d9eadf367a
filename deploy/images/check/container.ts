import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Image } from './image.ts';

/** Everything that is written to is in memory; the root itself can't be written. */
const ENTER = `
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
for path in $WRITABLE; do mkdir -p "$root$path"; mount -t tmpfs -o mode=1777 tmpfs "$root$path"; done
[ "$MODE" = rw ] || mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
ip link set lo up
[ "$user" = 0:0 ] && exec chroot "$root" env -i "$@"
exec chroot "$root" setpriv --reuid "\${user%:*}" --regid "\${user#*:}" --clear-groups \\
  --inh-caps=-all --bounding-set=-all --no-new-privs env -i "$@"
`;

export interface Start {
  readonly command: readonly string[];
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly writable: readonly string[];
  /** Of the root. */
  readonly mode: 'ro' | 'rw';
}

/** A process with namespaces of its own: mounts, processes, and a network that has only loopback. */
export class Container {
  readonly output: string[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(image: Image, { command, user, env, writable, mode }: Start) {
    const words = Object.entries({ ...image.env, ...env }).map(([name, value]) => `${name}=${value}`);
    this.#child = spawn(
      'unshare',
      ['-m', '-p', '-n', '--fork', 'sh', '-ec', ENTER, 'sh', image.root, user, ...words, ...command],
      {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', WRITABLE: writable.join(' '), MODE: mode },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        this.#ended = true;
        this.#wake();
        resolve(code);
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) {
        createInterface(stream).on('line', (line) => {
          this.output.push(line);
          this.#wake();
        });
      }
    }
  }

  async said(what: RegExp): Promise<void> {
    while (!this.output.some((line) => what.test(line))) {
      if (this.#ended) throw new Error(`it ended and never said ${what}:\n${this.output.join('\n')}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** What another process in the same namespaces prints. */
  run(image: Image, words: string): string {
    const enter = ['-t', String(this.#first()), '-m', '-p', '-n', 'chroot', image.root];
    const env = Object.entries(image.env).map(([name, value]) => `${name}=${value}`);
    return execFileSync('nsenter', [...enter, 'env', '-i', ...env, '/bin/sh', '-c', words], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  }

  stop(): Promise<number | null> {
    process.kill(this.#first(), 'SIGTERM');
    return this.exited;
  }

  /** What the container's process 1 is out here. */
  #first(): number {
    const { pid } = this.#child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
