import { readdirSync, readFileSync } from 'node:fs';

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
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => {
    return readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
      .split(' ')
      .filter(Boolean)
      .map(Number);
  });
  const counters = readFileSync(`/proc/${pid}/io`, 'latin1').matchAll(/^[rw]char: (\d+)$/gm);
  const own = [...counters].map(([, count]) => Number(count));
  return [...own, ...children.map(bytesOf)].reduce((sum, bytes) => sum + bytes, 0);
}
