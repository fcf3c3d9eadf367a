import type { EndSignal, Outcome, StoryEvent } from '#shared/job.ts';
import { outcomeWithoutProcess } from '#shared/job.ts';
import type { Attempt, Job } from './model.ts';
import type { CoreState } from './state.ts';

/** A story longer than this has stopped being one. */
const MAX_STORY = 200;

/** The job waits for a worker, from now, in the place that its age gives it. */
export function enqueue(core: CoreState, job: Job, why: string | null): void {
  const { spec } = job;
  core.recovering.delete(job);
  core.queue.add(job);
  core.deadlines.set(`queue:${spec.jobId}`, core.now + queueTimeout(core, job), {
    type: 'queue-timeout',
    jobId: spec.jobId,
  });
  tell(core, job, 'queued', null, why);
}

function queueTimeout({ settings }: CoreState, { spec, accepted }: Job): number {
  const timeout = settings.queueTimeoutMs[spec.jobClass];
  return accepted && accepted.announced > 0 ? Math.max(timeout, settings.resumeTimeoutMs) : timeout;
}

/** Takes the job out of the queue, wherever it waits. */
export function dequeue(core: CoreState, job: Job): void {
  core.queue.remove(job);
  core.recovering.delete(job);
  core.deadlines.cancel(`queue:${job.spec.jobId}`);
}

/** Nobody holds the hook any more: an unfinished job is cancelled, a finished one forgotten. */
export function release(core: CoreState, job: Job, onPms = false): void {
  job.released = true;
  job.holder = null;
  core.deadlines.cancel(`unheld:${job.spec.jobId}`);
  if (!job.outcome) {
    requestEnd(core, job, 'SIGTERM');
    return;
  }
  forget(core, job);
  if (!onPms) return;
  job.onPms = true;
  tell(core, job, 'on-pms', null, 'PMS’s own transcoder does it: how that ends, only PMS knows');
}

/** The job is to end: at once when it waits, else as soon as its worker says so. */
export function requestEnd(core: CoreState, job: Job, signal: EndSignal): void {
  if (job.outcome || job.endRequested) return;
  job.endRequested = signal;
  const { current } = job;
  if (current?.outcome) {
    finish(core, job, { ...current.outcome, reason: 'cancelled' });
    return;
  }
  if (!current) {
    finish(core, job, outcomeWithoutProcess('cancelled', 'cancelled before any worker ran it'));
    return;
  }
  current.end = signal;
  tell(core, job, 'cancelling', current, signal);
  const worker = core.workers.get(current.worker);
  if (worker) core.changedList(worker);
}

/** Takes an attempt off its worker's list, which makes the worker end and forget it. */
export function withdraw(core: CoreState, attempt: Attempt): void {
  core.encoders.release(attempt);
  const worker = core.workers.get(attempt.worker);
  if (worker?.attempts.get(attempt.jobId) !== attempt) return;
  worker.attempts.delete(attempt.jobId);
  if (attempt.phase !== 'ended') worker.running -= 1;
  core.changedList(worker, attempt.phase === 'ended');
}

/** The one place where a job ends. */
export function finish(core: CoreState, job: Job, outcome: Outcome): void {
  dequeue(core, job);
  job.current = null;
  job.outcome = outcome;
  job.endedAt = core.now;
  tell(core, job, 'ended', job.attempts.at(-1) ?? null, outcome.message);
  tellHolder(core, job);
  if (job.released) forget(core, job);
}

function forget(core: CoreState, job: Job): void {
  const { jobId } = job.spec;
  const last = job.attempts.at(-1);
  if (last) withdraw(core, last);
  core.jobs.delete(jobId);
  core.history.set(jobId, job);
  for (const oldest of core.history.keys()) {
    if (core.history.size <= core.settings.historySize) break;
    core.history.delete(oldest);
  }
}

export function tellHolder(core: CoreState, job: Job): void {
  if (job.holder !== null) core.emit({ type: 'tell-relay', connection: job.holder, job });
}

/** Writes into the job's story and tells whoever watches. */
export function tell(
  core: CoreState,
  job: Job,
  event: StoryEvent,
  attempt: Attempt | null,
  message: string | null,
): void {
  if (job.story.length < MAX_STORY) {
    job.story.push({
      at: core.now,
      event,
      attempt: attempt?.number ?? job.lastAttempt,
      worker: attempt?.worker ?? null,
      message,
    });
  }
  core.emit({ type: 'job-changed', job, event, attempt });
}
