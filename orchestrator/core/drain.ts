import { isFeasible } from './feasible.ts';
import type { Job, Worker } from './model.ts';
import { isServing } from './ordinals.ts';
import type { CoreState } from './state.ts';

/** An operator takes a worker out of service, or back into it. */
export function drain(core: CoreState, worker: Worker, drained: boolean): void {
  if (worker.drained === drained) return;
  if (drained) core.drained.add(worker.name);
  else core.drained.delete(worker.name);
  change(core, worker, { drained });
}

/** Who is scaled, and who of them is to go: those may stay again who are not among them any more. */
export function scaled(core: CoreState, groups: ReadonlySet<string>, leaving: ReadonlySet<string>): void {
  core.scaledGroups = groups;
  core.leaving = new Map([...leaving].map((name) => [name, core.leaving.get(name) ?? core.now]));
  for (const worker of core.workers.values()) {
    const leavingSince = core.leaving.get(worker.name) ?? null;
    if (worker.leavingSince !== leavingSince) change(core, worker, { leavingSince });
    if (worker.scaled === groups.has(worker.group)) continue;
    worker.scaled = !worker.scaled;
    core.candidates.update(worker);
  }
}

/** Somebody wants it to finish what it runs, and nothing more. */
export function isToGo({ drained, leavingSince }: Worker): boolean {
  return drained || leavingSince !== null;
}

/**
 * Whether it runs what none has room for of those that are left when these go: handed back, it would call its worker back.
 *
 * @param taken by name how many slots of each are spoken for by others that go; what its own jobs take is added
 */
export function isHeld(
  core: CoreState,
  worker: Worker,
  leaving: ReadonlySet<string>,
  taken: Map<string, number>,
): boolean {
  const hasSlot = ({ name, group, leavingSince, running, slots }: Worker): boolean => {
    const stays = !leaving.has(name) && (group === worker.group || leavingSince === null);
    return stays && running + (taken.get(name) ?? 0) < slots;
  };
  return worker.attempts.values().some((attempt) => {
    const job = core.jobs.get(attempt.jobId);
    // Also one whose end is doubted: it may have to run again.
    if (job?.current !== attempt || attempt.end) return false;
    const other = core.workers.values().find((one) => {
      const isFree = hasSlot(one) && isServing(one);
      return isFree && isFeasible(one, job) && core.encoders.hasRoom(one, job, attempt);
    });
    if (other) taken.set(other.name, (taken.get(other.name) ?? 0) + 1);
    return !other;
  });
}

function change(
  core: CoreState,
  worker: Worker,
  fields: Partial<Pick<Worker, 'drained' | 'leavingSince'>>,
): void {
  const wasToGo = isToGo(worker);
  Object.assign(worker, fields);
  core.candidates.update(worker);
  core.emit({ type: 'worker-changed', worker, change: 'changed' });
  if (isToGo(worker) === wasToGo) return;
  if (wasToGo) {
    core.deadlines.cancel(`drain:${worker.name}`);
    return;
  }
  // A viewer who watches it may go on for a while; nobody waits for the rest.
  handBack(core, worker, (job) => job.spec.jobClass === 'background');
  core.deadlines.set(`drain:${worker.name}`, core.now + core.settings.drainTimeoutMs, {
    type: 'drain-over',
    worker: worker.name,
  });
}

/** Ends what the worker runs, so that another one goes on with it. */
export function handBack(core: CoreState, worker: Worker, passes: (job: Job) => boolean): void {
  let changed = false;
  for (const attempt of worker.attempts.values()) {
    const job = core.jobs.get(attempt.jobId);
    if (job?.current !== attempt || attempt.end || !passes(job)) continue;
    attempt.end = 'SIGTERM';
    attempt.handBack = true;
    changed = true;
  }
  if (changed) core.changedList(worker);
}
