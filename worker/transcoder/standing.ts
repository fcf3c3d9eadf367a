import { readFileSync } from 'node:fs';
import { childrenOf, threadsOf } from './children.ts';

/**
 * What is another as soon as a thread of a process has run, or null: one runs now, it was stopped, or nobody can say. A
 * process that waits for its children is as alive as they are. All of it is the kernel's memory: it hangs on no storage.
 */
export function standing(pid: number): string | null {
  try {
    return signOf(pid);
  } catch {
    // It has just ended, or this kernel does not tell.
    return null;
  }
}

function signOf(pid: number): string | null {
  const threads = threadsOf(pid);
  const children = childrenOf(threads);
  const signs =
    children.length > 0
      ? children.map(signOf)
      : threads.map((thread) => threadSign(readFileSync(`${thread}/status`, 'latin1')));
  return signs.includes(null) ? null : `${pid}: ${signs.join()}`;
}

/** How often it has given way or was made to, while it sleeps (S) or waits for storage (D). */
function threadSign(status: string): string | null {
  if (!/^State:\t[SD] /m.test(status)) return null;
  const [, voluntary] = /^voluntary_ctxt_switches:\t(\d+)$/m.exec(status) ?? [];
  const [, forced] = /^nonvoluntary_ctxt_switches:\t(\d+)$/m.exec(status) ?? [];
  return voluntary && forced ? `${voluntary}+${forced}` : null;
}
