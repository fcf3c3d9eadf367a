import { readFileSync } from 'node:fs';

/** The environment variable by which a worker's processes are found again, wherever they have gone. */
export const OWNER_VARIABLE = 'CLUSTERPLEX_OWNER';
/** The same for one attempt: `<jobId> <attempt>`. */
export const ATTEMPT_VARIABLE = 'CLUSTERPLEX_ATTEMPT';

/** The process that started something: its pid, and when it began, since pids are used again. */
export interface Owner {
  readonly pid: number;
  readonly startTime: string;
  readonly worker: string;
}

export function thisOwner(worker: string): Owner {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? '0', worker };
}

export function ownerMark({ pid, startTime, worker }: Owner): string {
  return `${pid}:${startTime}:${worker}`;
}

export function readOwnerMark(mark: string): Owner | null {
  const [, pid, startTime, worker] = /^(\d+):(\d+):(.*)$/s.exec(mark) ?? [];
  if (pid === undefined || startTime === undefined || worker === undefined) return null;
  return { pid: Number(pid), startTime, worker };
}

export function isAlive({ pid, startTime }: Owner): boolean {
  return startTimeOf(pid) === startTime;
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; null when there is no such process. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in field 2 may hold anything, brackets and spaces included.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not noticed yet.
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
