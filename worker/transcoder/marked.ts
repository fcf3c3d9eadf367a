import { readdirSync, readFileSync } from 'node:fs';
import { systemErrorCode } from '#shared/errors.ts';

/**
 * The processes that carry an environment variable, and what it says. A process inherits its mark from its parent, so a
 * grandchild that left its process group is found, too. Processes of other users can't be read and are left out.
 */
export function markedProcesses(variable: string): Map<number, string> {
  const found = new Map<number, string>();
  const prefix = `${variable}=`;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const mark = environmentOf(pid).find((line) => line.startsWith(prefix));
    if (mark !== undefined) found.set(pid, mark.slice(prefix.length));
  }
  return found;
}

/** Sends the signal to every process that carries exactly this mark. */
export function signalMarked(variable: string, mark: string, signal: NodeJS.Signals): void {
  for (const [pid, value] of markedProcesses(variable)) {
    if (value === mark) sendSignal(pid, signal);
  }
}

/** Sends a signal to a process, or with a negative number to a group; one that is gone already is no failure. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH' && systemErrorCode(error) !== 'EPERM') throw error;
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
