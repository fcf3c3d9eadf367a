import type { JobView } from '#shared/api/schemas.ts';
import type { Views } from '../api/views.ts';
import type { Cluster } from '../core/cluster.ts';
import type { Job } from '../core/model.ts';
import type { HistoryPage, HistoryQuery } from './query.ts';

/** The same as in the archive, of what the core remembers. */
export function searchMemory(
  { cluster, views }: { readonly cluster: Cluster; readonly views: Views },
  query: HistoryQuery,
): HistoryPage<JobView> {
  const found = [...cluster.jobs.values(), ...cluster.history.values()]
    .filter((job) => job.outcome !== null && fits(job, query))
    .map((job) => ({ job, endedAt: views.endedAt(job), serial: job.order }))
    .filter(({ endedAt, serial }) => {
      const { before } = query;
      return endedAt < before.endedAt || (endedAt === before.endedAt && serial < before.serial);
    })
    .sort((a, b) => b.endedAt - a.endedAt || b.serial - a.serial);
  const shown = found.slice(0, query.limit);
  const last = found.length > shown.length ? shown.at(-1) : undefined;
  return {
    jobs: shown.map(({ job }) => views.job(job)),
    next: last ? { endedAt: last.endedAt, serial: last.serial } : null,
  };
}

function fits({ spec, outcome, attempts }: Job, query: HistoryQuery): boolean {
  const { search, reason, class: jobClass, worker } = query;
  const part = search?.toLowerCase();
  return (
    (part === undefined ||
      [spec.title, spec.session, spec.jobId].some((text) => text?.toLowerCase().includes(part))) &&
    (reason === undefined || outcome?.reason === reason) &&
    (jobClass === undefined || spec.jobClass === jobClass) &&
    (worker === undefined || attempts.at(-1)?.worker === worker)
  );
}
