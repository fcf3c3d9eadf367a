import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Whether the process still runs; a zombie has ended. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Waits until none of them runs any more. There is no event for the end of somebody else's child. */
export async function allEnded(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await setImmediate();
}

/** The processes that it has started, and theirs, now. */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc').flatMap((entry) => {
    const parent = /^\d+$/.test(entry) ? parentOf(entry) : null;
    return parent === pid ? [Number(entry)] : [];
  });
  return [...children, ...children.flatMap(descendantsOf)];
}

function parentOf(entry: string): number | null {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
