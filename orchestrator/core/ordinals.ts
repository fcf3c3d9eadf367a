import type { Worker } from './model.ts';

/** The number at the end of a name, as a StatefulSet gives it: what it removes first is the highest. */
export function ordinalOf(name: string): number | null {
  const [, digits] = /-(\d{1,9})$/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** Whether it takes jobs now, or would if the scale let it. */
export function isServing(worker: Worker): boolean {
  const { connection, ready, draining, drained, quarantined } = worker;
  return connection !== null && ready && !draining && !drained && !quarantined;
}

/** What the API calls ready: only its slots can be counted on. */
export function takesJobs(worker: Worker): boolean {
  return isServing(worker) && worker.leavingSince === null;
}

/**
 * Which workers of a group are to go, the highest ordinals first: as long as so many are left that serve, and none below
 * that number.
 */
export function leavers(members: readonly Worker[], desired: number): Set<string> {
  const leaving = new Set<string>();
  let serving = members.filter(isServing).length;
  for (const { worker, ordinal } of lowestFirst(members).reverse()) {
    if (ordinal < desired || (isServing(worker) && serving <= desired)) break;
    if (isServing(worker)) serving -= 1;
    leaving.add(worker.name);
  }
  return leaving;
}

/** Whether it runs what nobody could take who is left when these go. */
export type IsHeld = (worker: Worker, leaving: ReadonlySet<string>, taken: Map<string, number>) => boolean;

/** How many have to serve so that nobody goes who is held. */
export function withHeld(members: readonly Worker[], desired: number, isHeld: IsHeld): number {
  const leaving = leavers(members, desired);
  const taken = new Map<string, number>();
  const held = lowestFirst(members).findLast(({ worker }) => {
    return leaving.has(worker.name) && isServing(worker) && isHeld(worker, leaving, taken);
  });
  if (!held) return desired;
  return members.filter((one) => isServing(one) && (one.ordinal ?? 0) <= held.ordinal).length;
}

/**
 * How many replicas a StatefulSet needs so that it removes nobody who is to stay, or who still plays and may do so; 0 when
 * that holds nobody.
 */
export function replicasKept(members: readonly Worker[], now: number, drainTimeoutMs: number): number {
  const kept = lowestFirst(members).findLast(({ worker: { leavingSince, running } }) => {
    return leavingSince === null || (running > 0 && now - leavingSince < drainTimeoutMs);
  });
  return kept ? kept.ordinal + 1 : 0;
}

/**
 * How many replicas there must be: whoever is not connected may stand below one that is. At most `maximum` by their numbers,
 * which need not be those of replicas.
 */
export function replicasSeen(members: readonly Worker[], maximum: number): number {
  const highest = lowestFirst(members).at(-1)?.ordinal ?? -1;
  return Math.max(members.length, Math.min(maximum, highest + 1));
}

/** Up at once; down only as far as nobody is hit who is to stay. */
export function nextReplicas(actual: number, desired: number, kept: number): number {
  return Math.max(desired, Math.min(actual, kept));
}

/** Without those whose names have no number. */
export function lowestFirst(members: readonly Worker[]): { worker: Worker; ordinal: number }[] {
  return members
    .flatMap((worker) => (worker.ordinal === null ? [] : [{ worker, ordinal: worker.ordinal }]))
    .sort((one, other) => one.ordinal - other.ordinal);
}
