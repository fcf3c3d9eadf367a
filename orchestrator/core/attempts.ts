import type { AttemptStatus, Outcome } from '#shared/job.ts';
import { outputBytes } from '#shared/job.ts';
import { canKeepTo, keptEncoder } from './keptEncoder.ts';
import { tell, tellHolder, withdraw } from './lifecycle.ts';
import type { Attempt, Job, Worker } from './model.ts';
import { decide } from './retries.ts';
import type { CoreState } from './state.ts';

/** Gives the job to the worker. */
export function assign(core: CoreState, job: Job, worker: Worker): void {
  job.lastAttempt += 1;
  core.sequence += 1;
  worker.lastAssigned = core.sequence;
  worker.unsampled += 1;
  const encoder = keptEncoder(job);
  const keepsTo = encoder === null || canKeepTo(encoder, worker, job);
  const choice = whyThisOne(core);
  const attempt: Attempt = {
    jobId: job.spec.jobId,
    number: job.lastAttempt,
    worker: worker.name,
    assignedAt: core.now,
    adopted: false,
    progressedAt: core.now,
    stillSince: null,
    handBack: false,
    resume: keepsTo ? (job.accepted?.resume ?? null) : null,
    software: job.software,
    encoder: keepsTo ? encoder : null,
    changes: [],
    hardware: null,
    blamed: false,
    revision: worker.revision + 1,
    phase: 'preparing',
    startedAt: null,
    endedAt: null,
    end: null,
    outcome: null,
    doubt: null,
    stoodAt: null,
  };
  attach(core, job, attempt, worker);
  core.changedList(worker);
  const start = whereItBegins(job, attempt);
  tell(core, job, 'placed', attempt, start === null ? choice : `${choice}; ${start}`);
  tellHolder(core, job);
}

/** Before its slot is taken. */
function whyThisOne({ candidates, settings }: CoreState): string {
  const { size } = candidates;
  return size === 1
    ? 'the only worker with a free slot'
    : `by ${settings.strategy}, of ${size} workers with a free slot`;
}

function whereItBegins(job: Job, { number, resume, worker }: Attempt): string | null {
  const { accepted } = job;
  if (number === 1) return null;
  if (!resume && accepted?.resume) {
    return `from the beginning: ${worker} can't go on with ${keptEncoder(job)}, which encoded what PMS has`;
  }
  if (!resume) return `from the beginning: ${accepted?.obstacle ?? 'PMS was told of no segment yet'}`;
  return `goes on at segment ${resume.segment}, ${resume.seconds} s`;
}

/** Takes over an attempt that a worker runs and this orchestrator did not assign, or had given up. */
export function adopt(core: CoreState, job: Job, attempt: Attempt, worker: Worker): void {
  job.lastAttempt = Math.max(job.lastAttempt, attempt.number);
  attempt.end = job.endRequested;
  attach(core, job, attempt, worker);
  core.changedList(worker);
  tell(core, job, 'adopted', attempt, null);
  tellHolder(core, job);
}

/** The attempt that a worker came back with before its job's relay did. */
export function adoptOrphan(core: CoreState, job: Job): boolean {
  const orphan = core.orphans.get(job.spec.jobId);
  const worker = orphan ? core.workers.get(orphan.worker) : undefined;
  if (!orphan || !worker) return false;
  if (orphan.number < job.lastAttempt) {
    letGoOrphan(core, orphan);
    return false;
  }
  dropOrphan(core, orphan);
  adopt(core, job, orphan, worker);
  if (orphan.outcome) attemptEnded(core, orphan, orphan.outcome);
  return true;
}

/** Keeps an attempt running until its job's relay has had time to come back. */
export function keepOrphan(core: CoreState, orphan: Attempt, worker: Worker): void {
  const { jobId } = orphan;
  hold(orphan, worker);
  core.orphans.set(jobId, orphan);
  core.deadlines.set(`orphaned:${jobId}`, core.now + core.settings.relayReconnectMs, {
    type: 'orphaned',
    jobId,
  });
}

export function dropOrphan(core: CoreState, orphan: Attempt): void {
  core.orphans.delete(orphan.jobId);
  core.deadlines.cancel(`orphaned:${orphan.jobId}`);
}

/** The orphan's job did not come back, or a newer attempt did: the worker is told to end it. */
export function letGoOrphan(core: CoreState, orphan: Attempt): void {
  dropOrphan(core, orphan);
  withdraw(core, orphan);
}

function attach(core: CoreState, job: Job, attempt: Attempt, worker: Worker): void {
  job.current = attempt;
  core.encoders.take(attempt, worker, job);
  if (!job.attempts.includes(attempt)) job.attempts.push(attempt);
  hold(attempt, worker);
}

/** Puts the attempt on the worker's list. */
function hold(attempt: Attempt, worker: Worker): void {
  if (worker.attempts.get(attempt.jobId) === attempt) return;
  worker.attempts.set(attempt.jobId, attempt);
  if (attempt.phase !== 'ended') worker.running += 1;
}

/** What the worker says about an attempt that is on its list. */
export function attemptReported(core: CoreState, attempt: Attempt, status: AttemptStatus): void {
  if (attempt.phase === 'ended') return;
  const job = jobOf(core, attempt);
  attempt.changes = status.changes;
  attempt.hardware = status.hardware;
  const started = status.phase === 'running' || (status.outcome !== null && hadProcess(status.outcome));
  if (attempt.phase === 'preparing' && started) {
    attempt.startedAt = core.now;
    attempt.phase = 'running';
    const changes = attempt.changes.map(({ detail }) => detail).join('; ');
    const worker = core.workers.get(attempt.worker);
    if (job && worker) core.encoders.take(attempt, worker, job);
    if (job) tell(core, job, 'started', attempt, changes || null);
  }
  if (status.outcome) attemptEnded(core, attempt, status.outcome);
}

/** The attempt is over, for whatever reason: the slot is free, and the job ends or tries again. */
export function attemptEnded(core: CoreState, attempt: Attempt, outcome: Outcome): void {
  const job = jobOf(core, attempt);
  const worker = core.workers.get(attempt.worker);
  freeSlot(worker, attempt);
  core.encoders.ended(attempt, outcome);
  attempt.phase = 'ended';
  attempt.endedAt = core.now;
  attempt.outcome = outcome;
  if (worker) core.candidates.update(worker);
  if (job) {
    job.current = null;
    tell(core, job, 'attempt-ended', attempt, outcome.message);
    decide(core, job, attempt, outcome);
  }
  // Its output, which the worker keeps as long as the attempt is listed, may not yet have reached the hook.
  const isUndecided = job?.current === attempt;
  const owed = isUndecided || (job?.outcome && !job.released && outputBytes(outcome) > 0);
  // An orphan's end only its job, once submitted, can acknowledge.
  const orphaned = !job && core.orphans.get(attempt.jobId) === attempt;
  if (!owed && !orphaned) withdraw(core, attempt);
}

function freeSlot(worker: Worker | undefined, attempt: Attempt): void {
  if (!worker || attempt.phase === 'ended' || worker.attempts.get(attempt.jobId) !== attempt) return;
  worker.running -= 1;
  if (attempt.assignedAt > worker.sampledAt && worker.unsampled > 0) worker.unsampled -= 1;
}

function hadProcess({ exitCode, signal }: Outcome): boolean {
  return exitCode !== null || signal !== null;
}

function jobOf(core: CoreState, attempt: Attempt): Job | null {
  const job = core.jobs.get(attempt.jobId);
  return job?.current === attempt ? job : null;
}
