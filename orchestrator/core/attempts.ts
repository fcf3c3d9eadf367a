import type { AttemptStatus, Outcome } from '#shared/job.ts';
import { outcomeWithoutProcess } from '#shared/job.ts';
import { isFeasible } from './feasible.ts';
import { enqueue, finish, tell, tellHolder, withdraw } from './lifecycle.ts';
import type { Attempt, Job, Worker } from './model.ts';
import { clearFailures, countFailure, uncountFailure } from './quarantine.ts';
import type { CoreState } from './state.ts';

/** A job that lost this many attempts is the suspect itself. */
const MAX_ATTEMPTS = 5;

/** Gives the job to the worker. */
export function assign(core: CoreState, job: Job, worker: Worker): void {
  job.lastAttempt += 1;
  core.sequence += 1;
  worker.lastAssigned = core.sequence;
  worker.unsampled += 1;
  const attempt: Attempt = {
    jobId: job.spec.jobId,
    number: job.lastAttempt,
    worker: worker.name,
    assignedAt: core.now,
    adopted: false,
    progressedAt: core.now,
    handBack: false,
    resume: job.accepted?.resume ?? null,
    software: job.software,
    changes: [],
    hardware: false,
    revision: worker.revision + 1,
    phase: 'preparing',
    startedAt: null,
    endedAt: null,
    end: null,
    outcome: null,
  };
  attach(job, attempt, worker);
  core.changedList(worker);
  tell(core, job, 'placed', attempt, whereItBegins(job, attempt));
  tellHolder(core, job);
}

function whereItBegins({ accepted }: Job, { number, resume }: Attempt): string | null {
  if (number === 1) return null;
  if (!resume) return `from the beginning: ${accepted?.obstacle ?? 'PMS was told of no segment yet'}`;
  return `goes on at segment ${resume.segment}, ${resume.seconds} s`;
}

/** Takes over an attempt that a worker runs and this orchestrator did not assign, or had given up. */
export function adopt(core: CoreState, job: Job, attempt: Attempt, worker: Worker): void {
  job.lastAttempt = Math.max(job.lastAttempt, attempt.number);
  attempt.end = job.endRequested;
  attach(job, attempt, worker);
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

function attach(job: Job, attempt: Attempt, worker: Worker): void {
  job.current = attempt;
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
  attempt.changes = status.changes;
  attempt.hardware = status.hardware;
  const started = status.phase === 'running' || (status.outcome !== null && hadProcess(status.outcome));
  if (attempt.phase === 'preparing' && started) {
    attempt.startedAt = core.now;
    attempt.phase = 'running';
    const job = jobOf(core, attempt);
    if (job)
      tell(core, job, 'started', attempt, attempt.changes.map(({ detail }) => detail).join('; ') || null);
  }
  if (status.outcome) attemptEnded(core, attempt, status.outcome);
}

/** The attempt is over, for whatever reason: the slot is free, and the job ends or tries again. */
export function attemptEnded(core: CoreState, attempt: Attempt, outcome: Outcome): void {
  const job = jobOf(core, attempt);
  const worker = core.workers.get(attempt.worker);
  freeSlot(worker, attempt);
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
  const owed = job?.outcome && !job.released && outcome.outputBytes > 0;
  // An orphan's end only its job, once submitted, can acknowledge.
  const orphaned = !job && core.orphans.get(attempt.jobId) === attempt;
  if (!owed && !orphaned) withdraw(core, attempt);
}

function freeSlot(worker: Worker | undefined, attempt: Attempt): void {
  if (!worker || attempt.phase === 'ended' || worker.attempts.get(attempt.jobId) !== attempt) return;
  worker.running -= 1;
  if (attempt.assignedAt > worker.sampledAt && worker.unsampled > 0) worker.unsampled -= 1;
}

/** What an attempt's end means for its job. */
function decide(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): void {
  const worker = core.workers.get(attempt.worker);
  if (job.endRequested) {
    finish(core, job, { ...outcome, reason: 'cancelled' });
  } else if (outcome.reason === 'cancelled') {
    // By the orchestrator before this one.
    finish(core, job, outcome);
  } else if (outcome.reason === 'exited') {
    if (isWorthSoftware(core, job, attempt, outcome)) {
      job.software = true;
      enqueue(core, job, `its hardware failed on ${attempt.worker}: again in software`);
    } else if (isWorthAnotherWorker(core, job, attempt, outcome)) {
      job.avoid.add(attempt.worker);
      if (worker) countFailure(core, worker);
      enqueue(core, job, `failed at once on ${attempt.worker}`);
    } else {
      judge(core, job, attempt, worker);
      finish(core, job, outcome);
    }
  } else if (job.attempts.length >= MAX_ATTEMPTS) {
    const message = `${MAX_ATTEMPTS} attempts were lost, the last on ${attempt.worker}: ${outcome.message ?? ''}`;
    finish(core, job, outcomeWithoutProcess('lost', message));
  } else {
    if (outcome.reason === 'refused') job.avoid.add(attempt.worker);
    enqueue(core, job, outcome.message);
  }
}

/** What the job's last attempt says of its workers: it ended well, or failed as the one before did. */
function judge(core: CoreState, job: Job, attempt: Attempt, worker: Worker | undefined): void {
  if (attempt.outcome?.exitCode === 0) {
    if (worker) clearFailures(core, worker);
    return;
  }
  for (const other of job.attempts) {
    const before = core.workers.get(other.worker);
    if (before && other !== attempt && other.outcome?.reason === 'exited') uncountFailure(core, before);
  }
}

/** Its hardware failed before it made anything, and there is a worker that can do without: perhaps the same. */
function isWorthSoftware(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): boolean {
  if (outcome.exitCode === 0 || !attempt.hardware || job.software || !isTraceless(job, attempt, outcome))
    return false;
  const needs = { ...job, software: true };
  for (const worker of core.workers.values()) {
    if (worker.connection !== null && worker.ready && isFeasible(worker, needs)) return true;
  }
  return false;
}

/** Neither the hook nor PMS has anything of it. */
function isTraceless(job: Job, attempt: Attempt, outcome: Outcome): boolean {
  return outcome.outputBytes === 0 && job.accepted?.attempt !== attempt.number;
}

/** It failed at once, left no trace, was not tried elsewhere yet, and there is an elsewhere. */
function isWorthAnotherWorker(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): boolean {
  const failed = outcome.exitCode !== 0;
  const ranMs = core.now - (attempt.startedAt ?? core.now);
  const first = job.attempts.every((other) => other === attempt || other.outcome?.reason !== 'exited');
  // How long an adopted attempt has run, and what PMS has of it, only the orchestrator before this one knew.
  if (
    !failed ||
    attempt.adopted ||
    ranMs >= core.settings.earlyExitMs ||
    !isTraceless(job, attempt, outcome) ||
    !first
  )
    return false;
  for (const worker of core.workers.values()) {
    const isThere = worker.connection !== null && worker.ready;
    if (isThere && worker.name !== attempt.worker && isFeasible(worker, job)) return true;
  }
  return false;
}

function hadProcess({ exitCode, signal }: Outcome): boolean {
  return exitCode !== null || signal !== null;
}

function jobOf(core: CoreState, attempt: Attempt): Job | null {
  const job = core.jobs.get(attempt.jobId);
  return job?.current === attempt ? job : null;
}
