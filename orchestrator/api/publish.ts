import type { Cluster } from '../core/cluster.ts';
import type { Observer } from '../driver.ts';
import type { Changes } from './changes.ts';
import type { Views } from './views.ts';

/** Tells everybody who watches what changes. */
export function publishChanges(changes: Changes, views: Views, cluster: Cluster): Observer {
  return (effect) => {
    if (effect.type === 'job-changed') {
      const { job, attempt } = effect;
      changes.publish(() => ({ event: 'job', key: job.spec.jobId, data: views.job(job) }));
      if (attempt) publishWorker(attempt.worker);
    } else if (effect.type === 'worker-changed') {
      const { name } = effect.worker;
      if (effect.change === 'gone') {
        changes.publish(() => ({ event: 'worker-gone', key: name, data: { name } }));
      } else {
        publishWorker(name);
      }
    }
  };

  function publishWorker(name: string): void {
    changes.publish(() => {
      const worker = cluster.workers.get(name);
      return worker
        ? { event: 'worker', key: name, data: views.workerSummary(worker) }
        : { event: 'worker-gone', key: name, data: { name } };
    });
  }
}
