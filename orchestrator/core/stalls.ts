import { outcomeWithoutProcess } from '#shared/job.ts';
import { attemptEnded } from './attempts.ts';
import type { Worker } from './model.ts';
import type { CoreState } from './state.ts';

/** A worker that is not ready may still transcode what it has begun; what it no longer can does not say so. */
export function watchStalls(core: CoreState, worker: Worker): void {
  const key = `stalled:${worker.name}`;
  if (worker.ready || worker.draining) core.deadlines.cancel(key);
  else core.deadlines.set(key, core.now + core.settings.stallMs, { type: 'stalled', worker: worker.name });
}

/**
 * Gives up the attempts that have made no progress for too long. Nobody waits for their end: a process that hangs in
 * the kernel has none. The fence keeps it from writing on.
 */
export function moveStalled(core: CoreState, worker: Worker): void {
  const { stallMs } = core.settings;
  for (const attempt of [...worker.attempts.values()]) {
    const isStalled = attempt.phase !== 'ended' && core.now - attempt.progressedAt >= stallMs;
    if (!isStalled || core.jobs.get(attempt.jobId)?.current !== attempt) continue;
    const message = `no progress for ${stallMs} ms on ${worker.name}, which is not ready`;
    attemptEnded(core, attempt, outcomeWithoutProcess('lost', message));
  }
  watchStalls(core, worker);
}
