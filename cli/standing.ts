import type { JobView } from '#shared/api/schemas.ts';
import type { Style } from './output.ts';

type Standing = Pick<JobView, 'state' | 'outcome' | 'ranOnPms'>;

/** Whether somebody may want to know why it ended. What PMS ran itself, somebody has watched. */
export function isFailure({ outcome, ranOnPms }: Omit<Standing, 'state'>): boolean {
  return outcome !== null && !ranOnPms && outcome.reason !== 'cancelled' && outcome.exitCode !== 0;
}

/** How a job stands, in a word or two. */
export function standingOf(job: Standing): { readonly text: string; readonly style: Style } {
  if (job.state === 'running') return { text: 'running', style: 'green' };
  if (job.state === 'queued') return { text: 'queued', style: 'yellow' };
  if (isFailure(job)) return { text: 'failed', style: 'red' };
  if (job.ranOnPms) return { text: 'ran on PMS', style: 'yellow' };
  return { text: job.outcome?.reason === 'cancelled' ? 'cancelled' : 'finished', style: 'dim' };
}
