import type { JobSpec } from '#shared/job.ts';
import { requirementsOf } from '#shared/requirements.ts';
import { adoptOrphan } from './attempts.ts';
import { enqueue, tell, tellHolder } from './lifecycle.ts';
import type { Job, Relay } from './model.ts';
import type { CoreState } from './state.ts';

/** A relay holds the hook of this job. Saying so twice changes nothing. */
export function submit(core: CoreState, relay: Relay, spec: JobSpec, attempt: number): Job {
  const known = core.jobs.get(spec.jobId) ?? core.history.get(spec.jobId);
  const job = known ?? newJob(core, spec, relay);
  // Another relay does not know how far it is.
  if (job.accepted && job.lastHolder.instance !== relay.instance)
    job.accepted = { ...job.accepted, duration: null };
  job.holder = relay.connection;
  job.waiting = null;
  job.lastHolder = { instance: relay.instance, serial: relay.serial };
  job.released = false;
  job.lastAttempt = Math.max(job.lastAttempt, attempt);
  core.deadlines.cancel(`unheld:${spec.jobId}`);
  if (known) {
    // Out of the history: it is somebody's again, until that somebody releases it.
    core.history.delete(spec.jobId);
    core.jobs.set(spec.jobId, job);
  } else {
    tell(core, job, 'submitted', null, null);
    if (!adoptOrphan(core, job)) place(core, job);
  }
  tellHolder(core, job);
  return job;
}

function newJob(core: CoreState, spec: JobSpec, relay: Relay): Job {
  core.sequence += 1;
  const job: Job = {
    spec,
    requirements: requirementsOf(spec.argv),
    software: false,
    submittedAt: core.now,
    order: core.sequence,
    holder: null,
    lastHolder: { instance: relay.instance, serial: relay.serial },
    released: false,
    lastAttempt: 0,
    current: null,
    attempts: [],
    avoid: new Set(),
    endRequested: null,
    accepted: null,
    waiting: null,
    outcome: null,
    endedAt: null,
    onPms: false,
    story: [],
  };
  core.jobs.set(spec.jobId, job);
  return job;
}

/** A job that ran before this orchestrator started waits for its worker; any other one is queued. */
function place(core: CoreState, job: Job): void {
  if (job.lastAttempt === 0) {
    enqueue(core, job, null);
    return;
  }
  const { jobId } = job.spec;
  core.recovering.add(job);
  core.deadlines.set(`missed:${jobId}`, core.now + core.settings.recoveryWindowMs, { type: 'missed', jobId });
}
