import { readFileSync } from 'node:fs';
import { childrenOf, threadsOf } from './children.ts';

/**
 * How many bytes a process and its children have read and written, from whatever is behind their descriptors; null when
 * nobody can say. What receives from a network by other calls than `read` is not in it.
 */
export function traffic(pid: number): number | null {
  try {
    return bytesOf(pid);
  } catch {
    // It has just ended, or this kernel does not tell.
    return null;
  }
}

function bytesOf(pid: number): number {
  const children = childrenOf(threadsOf(pid));
  const counters = readFileSync(`/proc/${pid}/io`, 'latin1').matchAll(/^[rw]char: (\d+)$/gm);
  const own = [...counters].map(([, count]) => Number(count));
  return [...own, ...children.map(bytesOf)].reduce((sum, bytes) => sum + bytes, 0);
}
