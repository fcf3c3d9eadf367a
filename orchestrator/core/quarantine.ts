import type { Worker } from './model.ts';
import type { CoreState } from './state.ts';

/** A transcoder failed at once on this worker, and another worker is to try: is it the worker? */
export function countFailure(core: CoreState, worker: Worker): void {
  worker.failures += 1;
  if (worker.failures < core.settings.quarantineFailures || worker.quarantined) return;
  core.deadlines.set(`quarantine:${worker.name}`, core.now + core.settings.quarantineMs, {
    type: 'quarantine-over',
    worker: worker.name,
  });
  changeQuarantine(core, worker, true);
}

/** The job failed on another worker, too: it was not this one's fault. */
export function uncountFailure(core: CoreState, worker: Worker): void {
  worker.failures = Math.max(0, worker.failures - 1);
  if (worker.failures < core.settings.quarantineFailures) endQuarantine(core, worker);
}

/** It has shown that it works. */
export function clearFailures(core: CoreState, worker: Worker): void {
  worker.failures = 0;
  endQuarantine(core, worker);
}

/** It may try again: the next failure at once puts it back. */
export function endQuarantine(core: CoreState, worker: Worker): void {
  if (!worker.quarantined) return;
  core.deadlines.cancel(`quarantine:${worker.name}`);
  changeQuarantine(core, worker, false);
}

function changeQuarantine(core: CoreState, worker: Worker, quarantined: boolean): void {
  worker.quarantined = quarantined;
  core.candidates.update(worker);
  core.emit({ type: 'worker-changed', worker, change: 'changed' });
}
