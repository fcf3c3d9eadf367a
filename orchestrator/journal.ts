import type { Logger } from '#shared/logger.ts';
import type { Cluster } from './core/cluster.ts';
import { isToGo } from './core/drain.ts';
import type { Job, Relay, Worker } from './core/model.ts';
import type { Observer } from './driver.ts';

/** Writes what happens to jobs, workers and relays into the log, a line each. */
export function journal(logger: Logger, cluster: Cluster): Observer {
  let relays: readonly Relay[] = [];
  return (effect) => {
    if (effect.type === 'worker-changed') {
      logger.info(workerFields(effect.worker), `worker ${effect.change}`);
    } else if (effect.type === 'relays-changed') {
      const now = cluster.relays;
      const log = (some: readonly Relay[], others: readonly Relay[], change: string): void => {
        for (const relay of some) {
          if (!others.includes(relay)) logger.info({ relay: relay.name }, `relay ${change}`);
        }
      };
      log(relays, now, 'disconnected');
      log(now, relays, 'connected');
      relays = now;
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

function workerFields(worker: Worker) {
  const { name, slots, running, ready, quarantined } = worker;
  return { worker: name, slots, running, ready, draining: worker.draining || isToGo(worker), quarantined };
}
