import type { Job, Worker } from './model.ts';

/** Whether the worker could run the job at some time: the hard rules, without its present load. */
export function isFeasible(worker: Worker, job: Job): boolean {
  const takesJobs = !worker.draining && !worker.drained && !worker.quarantined;
  return takesJobs && !job.avoid.has(worker.name);
}
