import { type Outcome, outcomeWithoutProcess } from '#shared/job.ts';
import { assign } from './attempts.ts';
import { incomplete } from './doubt.ts';
import { isFeasible, whyNotEligible } from './feasible.ts';
import { canKeepTo, keptEncoder } from './keptEncoder.ts';
import { dequeue, finish } from './lifecycle.ts';
import type { Attempt, Job, Worker } from './model.ts';
import type { QueueGroup } from './queue.ts';
import type { CoreState } from './state.ts';

/** Gives waiting jobs to workers with a free slot, for as long as both are left. */
export function dispatch(core: CoreState): void {
  const stuck = new Set<QueueGroup>();
  while (core.queue.size > 0 && core.candidates.size > 0) {
    const group = core.queue.first(stuck);
    const job = group?.jobs[0];
    if (!group || !job) break;
    const worker = choose(core, job);
    if (worker) {
      dequeue(core, job);
      assign(core, job, worker);
    } else {
      stuck.add(group);
    }
  }
  if (core.queue.size > 0) endHopeless(core);
}

/** A worker that can go on with the encoder of what PMS has comes first. */
function choose(core: CoreState, job: Job): Worker | null {
  const encoder = keptEncoder(job);
  const suits = (worker: Worker): boolean => isFeasible(worker, job) && core.encoders.hasRoom(worker, job);
  const keeps = (worker: Worker): boolean =>
    encoder !== null && suits(worker) && canKeepTo(encoder, worker, job);
  return (encoder && core.candidates.choose(keeps)) || core.candidates.choose(suits);
}

/**
 * Waiting helps nobody when there is no worker to wait for. Such a job runs locally at once, and one that all workers
 * refused fails at once; one that may not run locally waits out its time, since a worker may yet come.
 */
function endHopeless(core: CoreState): void {
  if (core.now < core.recoversAt) return;
  for (const group of [...core.queue.groups]) {
    const [first] = group.jobs;
    if (!first || hasFeasibleWorker(core, first)) continue;
    for (const job of [...group.jobs]) {
      if (job.spec.local || ownFailure(job) || refusalOf(job)) finish(core, job, outcomeUnplaced(core, job));
    }
  }
}

/** The queue deadline has passed. */
export function queueTimedOut(core: CoreState, job: Job): void {
  finish(core, job, outcomeUnplaced(core, job));
}

/** A transcoder that failed has said how; that nobody could try again takes nothing from it. */
function outcomeUnplaced(core: CoreState, job: Job): Outcome {
  return ownFailure(job) ?? outcomeWithoutProcess(...whyNotPlaced(core, job));
}

function ownFailure(job: Job): Outcome | null {
  const attempt = job.attempts.findLast(({ outcome }) => outcome?.reason === 'exited');
  if (!attempt?.outcome) return null;
  const readError = attempt.doubt?.readError ?? attempt.outcome.readError;
  const isIncomplete = attempt.doubt !== null || readError !== null;
  // What it said on stderr and nobody has fetched is gone.
  return { ...(isIncomplete ? incomplete(job, attempt, readError) : attempt.outcome), stderrBytes: 0 };
}

/** Why a job waits, or why it waited in vain. */
export function whyNotPlaced(core: CoreState, job: Job): ['refused' | 'no-worker', string] {
  const refusal = refusalOf(job);
  if (refusal?.outcome?.message && !hasFeasibleWorker(core, job)) {
    return ['refused', `${refusal.worker} refused it: ${refusal.outcome.message}`];
  }
  const workers = [...core.workers.values()];
  if (workers.length === 0) return ['no-worker', 'no worker is connected'];
  const feasible = workers.filter((worker) => isFeasible(worker, job));
  if (feasible.length === 0) {
    const [lack] = workers.flatMap((worker) => {
      const problem = whyNotEligible(worker, job);
      return problem === null ? [] : [`${worker.name}: ${problem}`];
    });
    const why = lack ?? 'they drain, or failed at it';
    return ['no-worker', `none of the ${workers.length} workers may take it: ${why}`];
  }
  const ready = feasible.filter(({ ready: isReady, connection }) => isReady && connection !== null);
  if (ready.length === 0) {
    const [one] = feasible.map(whyNotReady);
    return ['no-worker', `none of the ${feasible.length} workers that may take it is ready: ${one}`];
  }
  const staying = ready.filter(({ leavingSince }) => leavingSince === null);
  if (staying.length === 0) {
    return ['no-worker', `all ${ready.length} workers that may take it are to go: the scale asks for fewer`];
  }
  const free = staying.filter(({ running, slots }) => running < slots);
  if (free.length > 0 && free.every((worker) => !core.encoders.hasRoom(worker, job))) {
    return ['no-worker', `all encoder sessions of the GPUs of ${staying.length} workers are taken`];
  }
  const slots = staying.reduce((sum, worker) => sum + worker.slots, 0);
  return ['no-worker', `all ${slots} slots of ${staying.length} workers are taken`];
}

function whyNotReady({ name, connection, checks }: Worker): string {
  if (connection === null) return `${name} is not connected`;
  const check = checks.find(({ ok, blocking }) => blocking && !ok);
  return check ? `${name}: ${check.name}: ${check.message ?? 'not ok'}` : `${name} does not say why`;
}

function refusalOf(job: Job): Attempt | undefined {
  return job.attempts.findLast(({ outcome }) => outcome?.reason === 'refused');
}

function hasFeasibleWorker(core: CoreState, job: Job): boolean {
  for (const worker of core.workers.values()) {
    if (isFeasible(worker, job)) return true;
  }
  return false;
}
