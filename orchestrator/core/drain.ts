import type { Job, Worker } from './model.ts';
import type { CoreState } from './state.ts';

/** An operator takes a worker out of service, or back into it. */
export function drain(core: CoreState, worker: Worker, drained: boolean): void {
  if (worker.drained === drained) return;
  worker.drained = drained;
  if (drained) core.drained.add(worker.name);
  else core.drained.delete(worker.name);
  core.candidates.update(worker);
  core.emit({ type: 'worker-changed', worker, change: 'changed' });
  if (!drained) {
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
