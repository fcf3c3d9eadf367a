import { readFileSync } from 'node:fs';
import { threadsOf } from './children.ts';

/** Of the kernel's flags of a thread, PF_EXITING. */
const EXITING = 0x4;
/** Of a line of `stat`, counted from what stands behind the name. */
const FLAGS = 6;

/**
 * Whether a process has come to its end, though it is still there: the kernel closes what it had open, and may wait for a
 * file server that never answers. No signal changes that. Nothing of it runs any more; what it wrote may not be flushed.
 */
export function isExiting(pid: number): boolean {
  try {
    return threadsOf(pid).every(isThreadExiting);
  } catch {
    // It has just ended, or this kernel does not tell.
    return false;
  }
}

function isThreadExiting(thread: string): boolean {
  const stat = readFileSync(`${thread}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[FLAGS]) & EXITING) !== 0;
}
