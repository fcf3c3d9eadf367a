import { isFeasible } from '../../orchestrator/core/feasible.ts';
import { type Attempt, type Job, jobState, type Worker } from '../../orchestrator/core/model.ts';
import { isServing } from '../../orchestrator/core/ordinals.ts';
import type { SimFleet } from './fleet.ts';
import type { SimHook } from './hook.ts';
import type { SimOrchestrator } from './orchestrator.ts';
import { type Exit, SETTINGS, type Surroundings } from './parts.ts';
import type { Plan } from './plan.ts';
import { ScaleInvariants } from './scaleInvariants.ts';

/** In a world without other faults no attempt may be lost. */
const HARMLESS = new Set(['job', 'cut-worker', 'freeze-orchestrator', 'suspend-orchestrator']);

/** What must be true of a world, whatever happens to it. */
export class Invariants {
  readonly #surroundings: Surroundings;
  readonly #fleet: SimFleet;
  readonly #scale: ScaleInvariants;
  readonly #hooks: readonly SimHook[];

  readonly #workersSuffered: boolean;
  readonly #onlyTheOrchestratorStoodStill: boolean;
  readonly #ended = new WeakSet<Job>();

  constructor(surroundings: Surroundings, fleet: SimFleet, hooks: readonly SimHook[], plan: Plan) {
    const { acts } = plan;
    this.#surroundings = surroundings;
    this.#fleet = fleet;
    this.#scale = new ScaleInvariants(surroundings, fleet, plan);
    this.#hooks = hooks;
    this.#workersSuffered = acts.some((act) => act.do.endsWith('-worker') || act.do === 'storage-hangs');
    this.#onlyTheOrchestratorStoodStill = acts.every((act) => HARMLESS.has(act.do));
  }

  /** At the moment in which a job is placed. */
  placed(orchestrator: SimOrchestrator, job: Job, attempt: Attempt): void {
    const { violation } = this.#surroundings;
    const worker = orchestrator.cluster.workers.get(attempt.worker);
    const eligible = worker && isServing(worker) && worker.leavingSince === null;
    if (!worker || !eligible || job.avoid.has(worker.name))
      violation(`${job.spec.jobId} was placed on an ineligible ${attempt.worker}`);
    if (job.endRequested) violation(`${job.spec.jobId} was placed after it was cancelled`);
    if (job.spec.jobClass === 'background') this.#order(orchestrator, job, worker);
    const isTried = job.attempts.some((other) => other.doubt && other.worker === attempt.worker);
    if (isTried && job.attempts.at(-2)?.doubt?.isRepeated)
      violation(`${job.spec.jobId} goes on after two ends in the same place`);
    this.#fence(job, attempt);
    this.#queueDeadline(job, attempt);
    if (job.attempts.length === 1) this.#recovery(orchestrator, attempt);
  }

  /** @param end when what people asked of the scale ends, which they have changed now */
  scaledUntil(end: number): void {
    this.#scale.scaledUntil(end);
  }

  /** The pod of the worker of that number is removed. */
  removed(index: number): void {
    this.#scale.removed(index);
  }

  /** One orchestrator says it once. */
  ended(job: Job): void {
    if (this.#ended.has(job)) this.#surroundings.violation(`${job.spec.jobId} ended twice`);
    this.#ended.add(job);
  }

  /** Nobody was gone but the orchestrator itself: it has no reason to give up on anybody. */
  attemptEnded({ endRequested }: Job, { jobId, number, worker, outcome }: Attempt): void {
    if (!this.#onlyTheOrchestratorStoodStill || outcome?.reason !== 'lost' || endRequested) return;
    const hook = this.#hooks.find(({ spec }) => spec.jobId === jobId);
    if (hook?.verdict === null)
      this.#surroundings.violation(`${jobId}: attempt ${number} on ${worker} was given up`);
  }

  #order(orchestrator: SimOrchestrator, job: Job, worker: Worker | undefined): void {
    for (const other of waiting(orchestrator)) {
      if (other.spec.jobClass === 'playback' && worker && isFeasible(worker, other))
        this.#surroundings.violation(`${job.spec.jobId} went before ${other.spec.jobId}, which is playback`);
    }
  }

  #fence({ spec, attempts }: Job, { number }: Attempt): void {
    const before = attempts.at(-2);
    if (before && before.number >= number)
      this.#surroundings.violation(`${spec.jobId}: attempt ${number} after ${before.number}`);
  }

  #queueDeadline({ spec, story }: Job, { assignedAt }: Attempt): void {
    const { violation } = this.#surroundings;
    const waited = assignedAt - (story.findLast(({ event }) => event === 'queued')?.at ?? 0);
    if (waited > SETTINGS.queueTimeoutMs[spec.jobClass]) violation(`${spec.jobId} waited ${waited} ms`);
  }

  /** What ran before the orchestrator started has a while in which its worker may say so. */
  #recovery({ startedAt }: SimOrchestrator, { jobId, number, assignedAt }: Attempt): void {
    const { transcoders, violation } = this.#surroundings;
    if (assignedAt >= startedAt + SETTINGS.recoveryWindowMs) return;
    for (const other of transcoders) {
      if (other.jobId === jobId && other.number < number && other.writes)
        violation(`${jobId} was placed anew beside attempt ${other.number} on ${other.workerName}`);
    }
  }

  /** After every step. */
  step(): void {
    const { transcoders, orchestrator, violation } = this.#surroundings;
    const writers = new Set<string>();
    for (const { jobId, writes } of transcoders) {
      if (writes && writers.has(jobId)) violation(`${jobId} has two writers`);
      if (writes) writers.add(jobId);
    }
    const known = orchestrator();
    if (!known) return;
    for (const { name, running, slots, attempts } of known.cluster.workers.values()) {
      if (running > slots) violation(`${name} holds ${running} attempts in ${slots} slots`);
      const live = [...attempts.values()].filter(({ phase }) => phase !== 'ended').length;
      if (live !== running) violation(`${name} counts ${running} attempts and holds ${live}`);
    }
    if (known.cluster.queued > 0) this.#idle(known);
    if (this.#fleet.spec) this.#scale.step(known);
  }

  #idle(orchestrator: SimOrchestrator): void {
    const idle = [...orchestrator.cluster.workers.values()].filter(
      ({ connection, ready, draining, drained, leavingSince, running, slots }) =>
        connection !== null && ready && !draining && !drained && leavingSince === null && running < slots,
    );
    if (idle.length === 0) return;
    for (const job of waiting(orchestrator)) {
      const worker = idle.find((candidate) => isFeasible(candidate, job));
      if (worker) this.#surroundings.violation(`${job.spec.jobId} waits beside the idle ${worker.name}`);
    }
  }

  /** When the faults have stopped and time has passed. */
  end(): void {
    const { transcoders, orchestrator, violation } = this.#surroundings;
    for (const hook of this.#hooks) this.#verdict(hook);
    for (const { jobId, number } of transcoders) violation(`${jobId} attempt ${number} never ended`);
    const cluster = orchestrator()?.cluster;
    if (!cluster) return;
    for (const job of cluster.history.values()) {
      if (isBelieved(job)) violation(`${job.spec.jobId}: exit code 0 was believed after a read error`);
      if (isGivenUpTooSoon(job)) violation(`${job.spec.jobId}: one read error was enough to give it up`);
    }
    for (const { spec } of cluster.jobs.values()) violation(`${spec.jobId} is still known`);
    for (const { name, attempts } of cluster.workers.values()) {
      if (attempts.size > 0) violation(`${name} still holds ${attempts.size} attempts`);
    }
    for (const { name, attempts, process } of this.#fleet.workers) {
      if (process.alive && attempts.statuses.length > 0) violation(`${name} still knows attempts`);
    }
    if (cluster.workers.size !== this.#fleet.replicas) violation('not all workers came back');
    this.#scale.end();
  }

  #verdict({ spec, verdict, signalled, output, stdout }: SimHook): void {
    const { violation, exits } = this.#surroundings;
    if (verdict === null) {
      violation(`the hook of ${spec.jobId} hangs`);
      return;
    }
    const code = Number(verdict.replace('exit ', ''));
    if (verdict === 'gone' || verdict === 'local' || code === 75 || signalled) return;
    // Output that only its worker has is lost with it, and never silently.
    if (code === 70 && this.#workersSuffered) return;
    if (code === 74 && exits.some(({ jobId, isUnread }) => jobId === spec.jobId && isUnread)) return;
    // Nor is stderr of an end that was not believed kept for a relay that stood still, though it may be all there is.
    const isWhole = (end: Exit, bytes: number, ofStdout: number): boolean =>
      end.written === bytes ||
      ((this.#workersSuffered || (code === 0 && end.isUnread)) && end.stdout === ofStdout);
    const ends = exits.filter((exit) => exit.jobId === spec.jobId && exit.code === code);
    if (ends.length === 0) violation(`${spec.jobId} ended with ${code}, which no transcoder said`);
    else if (!ends.some((end) => isWhole(end, output.get(end.attempt) ?? 0, stdout)))
      violation(`${spec.jobId} ended with ${code} without all of its output`);
  }
}

/** The attempt whose end is the job's could not read its input on. */
function isBelieved({ attempts, outcome }: Job): boolean {
  const last = attempts.at(-1)?.outcome;
  return outcome?.reason === 'exited' && outcome.exitCode === 0 && (last?.readError ?? null) !== null;
}

/** Its first attempt could not read its input on, and nobody has asked for another. */
function isGivenUpTooSoon({ attempts, outcome }: Job): boolean {
  const [first, second] = attempts;
  if (outcome?.reason !== 'incomplete' || second) return false;
  return first?.outcome?.exitCode === 0 && first.outcome.stdoutBytes === 0 && first.doubt === null;
}

/** Jobs in the queue, as opposed to those that wait for their workers after a restart. */
function waiting({ cluster }: SimOrchestrator): Job[] {
  return [...cluster.jobs.values()].filter((job) => jobState(job) === 'queued' && !cluster.isRecovering(job));
}
