import { type AttemptStatus, outcomeWithoutProcess } from '#shared/job.ts';
import { attemptEnded } from './attempts.ts';
import { reachedBy } from './doubt.ts';
import type { Attempt, Job, Worker } from './model.ts';
import { isThereAnotherWorker } from './retries.ts';
import type { CoreState } from './state.ts';

/** A worker that is not ready may still transcode what it has begun; what it no longer can does not say so. */
export function watchStalls(core: CoreState, worker: Worker): void {
  const key = `stalled:${worker.name}`;
  if (worker.ready || worker.draining) core.deadlines.cancel(key);
  else core.deadlines.set(key, core.now + core.settings.stallMs, { type: 'stalled', worker: worker.name });
}

/** Gives up the attempts that have made no progress for too long on a worker that is not ready. */
export function moveStalled(core: CoreState, worker: Worker): void {
  const { stallMs } = core.settings;
  for (const attempt of [...worker.attempts.values()]) {
    const job = core.jobs.get(attempt.jobId);
    const isStalled = attempt.phase !== 'ended' && core.now - attempt.progressedAt >= stallMs;
    if (!isStalled || job?.current !== attempt || waitsForPms(job, attempt)) continue;
    giveUp(core, attempt, `no progress for ${stallMs} ms on ${worker.name}, which is not ready`);
  }
  watchStalls(core, worker);
}

/** Its worker says whether anything of its transcoder has run of late. */
export function stillnessReported(core: CoreState, attempt: Attempt, { still = false }: AttemptStatus): void {
  if (attempt.phase === 'ended' || still === (attempt.stillSince !== null)) return;
  attempt.stillSince = still ? core.now : null;
  if (still) watchStill(core, attempt, core.now);
  else core.deadlines.cancel(`still:${attempt.jobId}`);
}

/** Gives up the attempt of which nothing has run for too long, unless it waits for PMS. */
export function moveStill(core: CoreState, job: Job): void {
  const { current } = job;
  if (!current || current.stillSince === null || current.phase === 'ended') return;
  const { stallMs } = core.settings;
  const since = Math.max(current.stillSince, current.progressedAt);
  // Without its relay nobody knows what it waits for.
  if (job.holder === null || job.endRequested || waitsForPms(job, current))
    watchStill(core, current, core.now);
  else if (core.now - since < stallMs) watchStill(core, current, since);
  else {
    current.stoodAt = reachedBy(job, current);
    if (isThereAnotherWorker(core, job, current)) job.avoid.add(current.worker);
    giveUp(
      core,
      current,
      `it stood still for ${stallMs} ms on ${current.worker}: see that worker's storage and GPU`,
    );
  }
}

function watchStill(core: CoreState, { jobId }: Attempt, since: number): void {
  core.deadlines.set(`still:${jobId}`, since + core.settings.stallMs, { type: 'still', jobId });
}

/** Nobody waits for its end: a process that hangs in the kernel has none. The fence keeps it from writing on. */
function giveUp(core: CoreState, attempt: Attempt, message: string): void {
  attemptEnded(core, attempt, outcomeWithoutProcess('lost', message));
}

function waitsForPms({ waiting }: Job, { number }: Attempt): boolean {
  return waiting === number;
}
