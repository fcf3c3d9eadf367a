import type { JobStoryView } from '#shared/api/schemas.ts';
import { outcomeWithoutProcess } from '#shared/job.ts';
import { requirementsOf } from '#shared/requirements.ts';

/** A job that ended then, in milliseconds since 2026. */
export function story(jobId: string, after: number, fields: Partial<JobStoryView> = {}): JobStoryView {
  const at = new Date(Date.UTC(2026, 0) + after).toISOString();
  return {
    ...{ jobId, session: null, class: 'playback', title: `Film ${jobId}`, state: 'ended', attempt: 1 },
    ...{
      worker: 'w1',
      submittedAt: at,
      startedAt: at,
      endedAt: at,
      reason: null,
      progress: null,
      speed: null,
      ranOnPms: false,
      firstSegmentMs: null,
      hardware: null,
    },
    ...{ announced: 0, changes: [], requirements: requirementsOf([]), attempts: [] },
    outcome: outcomeWithoutProcess('no-worker', 'none came'),
    story: [{ at, event: 'ended', attempt: 1, worker: 'w1', message: null }],
    ...fields,
  };
}
