import type { Logger } from '#shared/logger.ts';
import type { Job, Worker } from './core/model.ts';
import type { Observer } from './driver.ts';

/** Writes what happens to jobs and workers into the log, a line each. */
export function journal(logger: Logger): Observer {
  return (effect) => {
    if (effect.type === 'worker-changed') {
      logger.info(workerFields(effect.worker), `worker ${effect.change}`);
    } else if (effect.type === 'job-changed' && effect.event !== 'progress') {
      const { job, event, attempt } = effect;
      const message = job.story.at(-1)?.message ?? null;
      logger.info(
        {
          ...jobFields(job),
          attempt: attempt?.number ?? job.lastAttempt,
          worker: attempt?.worker ?? null,
          ...(message === null ? {} : { reason: message }),
        },
        `job ${event}`,
      );
    }
  };
}

function jobFields({ spec }: Job) {
  return { jobId: spec.jobId, session: spec.session, class: spec.jobClass, title: spec.title };
}

function workerFields({ name, slots, running, ready, draining, drained }: Worker) {
  return { worker: name, slots, running, ready, draining: draining || drained };
}
