import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { DeclaredMount } from './mounts.ts';

/** A healthy mount answers in milliseconds; NFS that has to reconnect in a second or two. */
const DEADLINE_MS = 5_000;

const MISSING = 3;
const UNREADABLE = 4;
const UNWRITABLE = 5;

const SCRIPT = `
[ -d "$1" ] || exit ${MISSING}
ls -- "$1" >/dev/null 2>&1 || exit ${UNREADABLE}
[ "$2" = rw ] || exit 0
probe="$1/.clusterplex-probe-$$"
{ : > "$probe" && rm -f -- "$probe"; } 2>/dev/null || exit ${UNWRITABLE}
`;

/** What is wrong with a mount: null when nothing is, `absent` when an optional one does not exist. */
export type ProbeResult = { readonly problem: string | null } | 'absent';

/**
 * Tries one mount again and again, each time in a process of its own: a file-system call on a dead NFS server does not
 * return, not even for SIGKILL, and must not hang anything but itself. While one hangs no second one is started.
 */
export class MountProbe {
  readonly #mount: DeclaredMount;
  readonly #clock: Clock;
  #hanging: ChildProcess | null = null;

  constructor(mount: DeclaredMount, clock: Clock) {
    this.#mount = mount;
    this.#clock = clock;
  }

  run(): Promise<ProbeResult> {
    const { path, mode } = this.#mount;
    const hung = { problem: `${path} does not answer within ${DEADLINE_MS} ms` };
    if (this.#hanging) return Promise.resolve(hung);
    return new Promise<ProbeResult>((resolve, reject) => {
      const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', path, mode], { stdio: 'ignore' });
      this.#hanging = child;
      const deadline = this.#clock.after(DEADLINE_MS, () => {
        child.kill('SIGKILL');
        child.unref();
        resolve(hung);
      });
      child.once('error', (error) => {
        this.#hanging = null;
        deadline.cancel();
        reject(error);
      });
      child.once('exit', (code) => {
        this.#hanging = null;
        deadline.cancel();
        resolve(this.#judge(code));
      });
    }).catch((error: unknown) => ({ problem: `${path} could not be tried: ${coerceError(error).message}` }));
  }

  #judge(code: number | null): ProbeResult {
    const { path, mode, optional } = this.#mount;
    switch (code) {
      case 0:
        return { problem: null };
      case MISSING:
        return optional ? 'absent' : { problem: `${path} does not exist; mount it, or correct MOUNTS` };
      case UNREADABLE:
        return { problem: `${path} can't be read as this user` };
      case UNWRITABLE:
        return { problem: `${path} can't be written as this user, but MOUNTS says ${mode}` };
      default:
        return { problem: `${path} could not be tried: the probe ended with ${code}` };
    }
  }
}
