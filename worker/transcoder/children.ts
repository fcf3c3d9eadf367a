import { readdirSync, readFileSync } from 'node:fs';

/** The files of a process's threads, in the kernel's memory. Throws when it has ended, or when this kernel does not tell. */
export function threadsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);
}

/** The processes that a process's threads have started. Throws likewise. */
export function childrenOf(threads: readonly string[]): number[] {
  return threads.flatMap((thread) => {
    return readFileSync(`${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  });
}
