import type { Logger } from '#shared/logger.ts';
import { Helper, type HelperSurroundings } from './helper.ts';
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
  readonly #helper: Helper;

  constructor(owner: Owner, surroundings: HelperSurroundings) {
    this.#helper = new Helper({
      ...surroundings,
      name: 'clusterplex-guardian',
      script: SCRIPT,
      words: [`${OWNER_VARIABLE}=${ownerMark(owner)}`],
      // Without the mark: it must outlive what it ends, and not end itself.
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      endsWithWorker: true,
    });
  }

  start(): void {
    this.#helper.start();
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
