import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from '#shared/logger.ts';
import { markedProcesses, sendSignal } from './marked.ts';
import { isAlive, OWNER_VARIABLE, type Owner, ownerMark, readOwnerMark } from './owner.ts';

/**
 * Waits until its stdin ends, which happens when the worker is gone, however it went. Then it kills everything that
 * carries the worker's mark, again and again until nothing does: what forks while it is looked for is caught next time.
 */
const SCRIPT = `
cat >/dev/null
while :; do
  found=$(grep -laF -- "$1" /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$found" ] || exit 0
  for file in $found; do
    pid=\${file#/proc/}
    kill -KILL "\${pid%/environ}" 2>/dev/null
  done
  sleep 0.05
done
`;

/** Sees to it that no transcoder outlives its worker, not even one that was ended with SIGKILL. */
export class Guardian {
  readonly #mark: string;
  readonly #logger: Logger;
  #child: ChildProcess | null = null;
  #stopped = false;

  constructor(owner: Owner, logger: Logger) {
    this.#mark = `${OWNER_VARIABLE}=${ownerMark(owner)}`;
    this.#logger = logger;
  }

  start(): void {
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'clusterplex-guardian', this.#mark], {
      cwd: '/',
      // Of its own group, and without the mark: it must outlive what it ends, and not end itself.
      detached: true,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.on('error', (error) => this.#logger.error({ err: error }, 'the guardian could not be started'));
    child.on('exit', (code, signal) => {
      if (this.#stopped) return;
      this.#logger.warn({ code, signal }, 'the guardian ended, and is started again');
      this.start();
    });
    // The pipe breaks when the guardian is killed; its exit says so, too.
    child.stdin.on('error', () => undefined);
    child.unref();
    this.#child = child;
  }

  stop(): void {
    this.#stopped = true;
    this.#child?.kill('SIGKILL');
  }
}

/** Ends what an earlier process of this worker left behind, guardian or not. */
export function endLeftovers(worker: string, logger: Logger): void {
  for (const [pid, mark] of markedProcesses(OWNER_VARIABLE)) {
    const owner = readOwnerMark(mark);
    if (owner?.worker !== worker || isAlive(owner)) continue;
    logger.warn({ pid, owner: mark }, 'ending a process that an earlier worker left behind');
    sendSignal(pid, 'SIGKILL');
  }
}
