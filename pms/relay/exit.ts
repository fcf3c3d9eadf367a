import { constants } from 'node:os';
import type { Outcome } from '#shared/job.ts';

/** Exit codes of the hook where no transcoder gave one. */
export const NO_WORKER = 75;
export const INTERNAL = 70;
/** A part is missing, since the input could not be read: sysexits' word for it. */
export const INCOMPLETE = 74;

/** What the hook is to do now. */
export type Verdict = { readonly exit: number } | { readonly local: string };

/** The transcoder's own exit code stands; where none ran to its end, the original may run, if it is allowed to. */
export function verdictOf(outcome: Outcome, mayRunLocally: boolean): Verdict {
  const { reason, exitCode, signal, message } = outcome;
  if (reason === 'exited' || reason === 'cancelled') return { exit: exitCode ?? signalCode(signal) };
  if (mayRunLocally) return { local: message ?? reason };
  if (reason === 'incomplete') return { exit: INCOMPLETE };
  return { exit: reason === 'failed' ? INTERNAL : NO_WORKER };
}

/** What becomes of a job whose orchestrator stays away. */
export function verdictAlone(
  { isComplete, mayRunHere }: { readonly isComplete: boolean; readonly mayRunHere: boolean },
  reason: string,
): Verdict {
  if (isComplete) return { exit: 0 };
  return mayRunHere ? { local: reason } : { exit: NO_WORKER };
}

/** 128 + n, as a shell says it. A job that was cancelled before it ran ended as if by SIGTERM. */
export function signalCode(signal: string | null): number {
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1];
  return 128 + (number ?? constants.signals.SIGTERM);
}
