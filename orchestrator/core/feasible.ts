import { whyIneligible } from '#shared/requirements.ts';
import type { Job, Worker } from './model.ts';

/** Whether the worker could run the job at some time: the hard rules, without its present load. */
export function isFeasible(worker: Worker, job: Job): boolean {
  const takesJobs = !worker.draining && !worker.drained && !worker.quarantined;
  return takesJobs && !job.avoid.has(worker.name) && whyNotEligible(worker, job) === null;
}

/** What the worker lacks for the job; null when nothing. */
export function whyNotEligible({ capabilities }: Worker, { requirements, software }: Job): string | null {
  return whyIneligible(capabilities, requirements, software);
}
