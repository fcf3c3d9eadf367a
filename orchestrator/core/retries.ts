import { type Outcome, outcomeWithoutProcess, outputBytes } from '#shared/job.ts';
import { doubtOf, incomplete, isConfirmed, stoodThere } from './doubt.ts';
import { isFeasible } from './feasible.ts';
import { enqueue, finish, withdraw } from './lifecycle.ts';
import type { Attempt, Job, Worker } from './model.ts';
import { clearFailures, countFailure, uncountFailure } from './quarantine.ts';
import type { CoreState } from './state.ts';

/** A job that lost this many attempts is the suspect itself. */
const MAX_ATTEMPTS = 5;

/** How long the relay's last word on an attempt may take, which comes another way: it speaks once a second. */
const LAST_WORD_MS = 3_000;

/** What an attempt's end means for its job. */
export function decide(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): void {
  if (job.endRequested) {
    finish(core, job, { ...outcome, reason: 'cancelled' });
  } else if (outcome.reason === 'cancelled') {
    // By the orchestrator before this one.
    finish(core, job, outcome);
  } else if (outcome.reason === 'exited') {
    const isFollowed =
      outcome.exitCode === 0 ? isDoubted(core, job, attempt) : isTriedAgain(core, job, attempt, outcome);
    if (!isFollowed) end(core, job, attempt, outcome);
  } else if (isStuck(core, job, attempt)) {
    finish(core, job, incomplete(job, attempt, 'it stood still'));
  } else if (job.attempts.length >= MAX_ATTEMPTS) {
    const message = `${MAX_ATTEMPTS} attempts were lost, the last on ${attempt.worker}: ${outcome.message ?? ''}`;
    finish(core, job, outcomeWithoutProcess('lost', message));
  } else {
    // Whom its doubted end speaks against is better than nobody.
    for (const { doubt, worker: name } of job.attempts) if (doubt) job.avoid.delete(name);
    if (outcome.reason === 'refused') job.avoid.add(attempt.worker);
    enqueue(core, job, outcome.message);
  }
}

/** Two stood still in the same place, on two workers or on the only one: where the source hangs, a third one does, too. */
function isStuck(core: CoreState, job: Job, attempt: Attempt): boolean {
  const others = stoodThere(job, attempt);
  const isElsewhere = others.some(({ worker }) => worker !== attempt.worker);
  return isElsewhere || (others.length > 0 && !isThereAnotherWorker(core, job, attempt));
}

/** Exit code 0 is a claim, which waits for the relay's last word. */
function isDoubted(core: CoreState, job: Job, attempt: Attempt): boolean {
  if (!doubtOf(job, attempt)) return false;
  job.current = attempt;
  const { jobId } = job.spec;
  core.deadlines.set(`doubted:${jobId}`, core.now + LAST_WORD_MS, { type: 'doubted', jobId });
  return true;
}

/** The relay has said all that it knows of the attempt that is doubted. */
export function settleDoubt(core: CoreState, job: Job): void {
  const { current } = job;
  if (!current?.outcome) return;
  job.current = null;
  const doubt = doubtOf(job, current);
  current.doubt = doubt;
  // What can't be read twice is tried where nobody has tried it.
  if (doubt?.isRepeated) for (const other of job.attempts) if (other.doubt) job.avoid.add(other.worker);
  const isThereAnother = isThereAnotherWorker(core, job, current);
  if (!doubt || job.attempts.length >= MAX_ATTEMPTS || (doubt.isRepeated && !isThereAnother)) {
    end(core, job, current, current.outcome);
    return;
  }
  if (isThereAnother) job.avoid.add(current.worker);
  withdraw(core, current);
  enqueue(core, job, doubt.message);
}

/**
 * A failure is followed by another attempt where that may do better. When its words blame the GPU: elsewhere, or else
 * in software, or else once an encoder session is given back. When they blame the input: elsewhere. When it left no trace: in software if it used a GPU, or
 * else elsewhere, once, if it failed at once.
 */
function isTriedAgain(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): boolean {
  const { gpuFailure, readError } = outcome;
  const worker = core.workers.get(attempt.worker);
  const how = `${whatFailed(outcome)} on ${attempt.worker}`;
  if (job.attempts.length >= MAX_ATTEMPTS) return false;
  if (gpuFailure && isThereAnotherWorker(core, job, attempt)) {
    // That a GPU fails, its worker finds out by itself.
    job.avoid.add(attempt.worker);
    enqueue(core, job, how);
  } else if ((gpuFailure || isTraceless(job, attempt, outcome)) && canDoWithout(core, job, attempt)) {
    job.software = true;
    enqueue(core, job, `${gpuFailure ? how : `its hardware failed on ${attempt.worker}`}: again in software`);
  } else if (gpuFailure === 'sessions' && worker && !core.encoders.hasRoom(worker, job)) {
    enqueue(core, job, `${how}, and nowhere else`);
  } else if (readError && outcome.stdoutBytes === 0 && isThereAnotherWorker(core, job, attempt)) {
    job.avoid.add(attempt.worker);
    enqueue(core, job, `its input could not be read on ${attempt.worker}: ${readError}`);
  } else if (failedAtOnce(core, job, attempt, outcome) && isThereAnotherWorker(core, job, attempt)) {
    job.avoid.add(attempt.worker);
    attempt.blamed = true;
    if (worker) countFailure(core, worker);
    enqueue(core, job, how);
  } else {
    return false;
  }
  return true;
}

function whatFailed({ gpuFailure }: Outcome): string {
  if (gpuFailure === 'sessions') return 'no encoder session was left';
  return gpuFailure ? `the GPU failed (${gpuFailure})` : 'failed at once';
}

/** It used a GPU, and there is a worker that can do without: perhaps the same. */
function canDoWithout(core: CoreState, job: Job, attempt: Attempt): boolean {
  if (!attempt.hardware || job.software) return false;
  return isThere(core, (worker) => isFeasible(worker, { ...job, software: true }));
}

/** It failed at once, left no trace, and was not tried elsewhere yet. */
function failedAtOnce(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): boolean {
  const ranMs = core.now - (attempt.startedAt ?? core.now);
  const first = job.attempts.every((other) => other === attempt || other.outcome?.reason !== 'exited');
  // How long an adopted attempt has run, and what PMS has of it, only the orchestrator before this one knew.
  if (attempt.adopted || ranMs >= core.settings.earlyExitMs) return false;
  return first && isTraceless(job, attempt, outcome);
}

/** Neither the hook nor PMS has anything of it. */
function isTraceless(job: Job, attempt: Attempt, outcome: Outcome): boolean {
  return outputBytes(outcome) === 0 && job.accepted?.attempt !== attempt.number;
}

/** One that could take the job, now or as soon as it has a free slot. */
export function isThereAnotherWorker(core: CoreState, job: Job, attempt: Attempt): boolean {
  return isThere(core, (worker) => worker.name !== attempt.worker && isFeasible(worker, job));
}

function isThere(core: CoreState, suits: (worker: Worker) => boolean): boolean {
  for (const worker of core.workers.values()) {
    if (worker.connection !== null && worker.ready && suits(worker)) return true;
  }
  return false;
}

/** The transcoder's word is the job's end, unless it says that its input could not be read on. */
function end(core: CoreState, job: Job, attempt: Attempt, outcome: Outcome): void {
  judge(core, job, attempt);
  const right =
    outcome.exitCode === 0
      ? undefined
      : job.attempts.findLast(({ doubt }) => doubt && isConfirmed(doubt, job, attempt));
  const readError = (attempt.doubt ?? right?.doubt)?.readError ?? outcome.readError;
  if (readError !== null) finish(core, job, incomplete(job, attempt, readError));
  else finish(core, job, right?.outcome ? { ...right.outcome, stderrBytes: 0 } : outcome);
}

/** What the job's last attempt says of its workers: it ended well, or failed as those before did. */
function judge(core: CoreState, job: Job, attempt: Attempt): void {
  const worker = core.workers.get(attempt.worker);
  if (attempt.outcome?.exitCode === 0) {
    if (worker) clearFailures(core, worker);
    return;
  }
  for (const other of job.attempts) {
    const before = core.workers.get(other.worker);
    if (before && other.blamed) uncountFailure(core, before);
  }
}
