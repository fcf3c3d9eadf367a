import type { Attempt, Job, Worker } from '../../orchestrator/core/model.ts';
import { isServing } from '../../orchestrator/core/ordinals.ts';
import type { SimFleet } from './fleet.ts';
import type { SimOrchestrator } from './orchestrator.ts';
import { SETTINGS, type Surroundings } from './parts.ts';
import type { Plan } from './plan.ts';

const QUIET = new Set(['job', 'scale', 'burst']);

interface Seen {
  readonly isLeaving: boolean;
  readonly isServing: boolean;
  /** When it was called back last. */
  readonly backAt: number;
}

/** What must be true where workers are scaled. */
export class ScaleInvariants {
  readonly #surroundings: Surroundings;
  readonly #fleet: SimFleet;
  /** Nothing happens but jobs, and what people ask of the scale. */
  readonly #isQuiet: boolean;
  readonly #isAnyDrained: boolean;
  readonly #handedBack = new WeakSet<Attempt>();
  #seenBy: SimOrchestrator | null = null;
  #seen = new Map<string, Seen>();
  /** When the scale had a reason last to call for others than before, besides jobs. */
  #disturbedAt = 0;

  constructor(surroundings: Surroundings, fleet: SimFleet, { acts }: Plan) {
    this.#surroundings = surroundings;
    this.#fleet = fleet;
    this.#isQuiet = acts.every((act) => QUIET.has(act.do));
    this.#isAnyDrained = acts.some((act) => act.do === 'drain');
  }

  /** People have changed the scale, and so does the end of what they asked for. */
  scaledUntil(end: number): void {
    this.#disturb();
    const { loop } = this.#surroundings;
    if (end > loop.now) loop.at(end, () => this.#disturb());
  }

  /** After every step. */
  step(orchestrator: SimOrchestrator): void {
    if (this.#seenBy !== orchestrator) this.#seen = new Map();
    this.#seenBy = orchestrator;
    const { workers: known } = orchestrator.cluster;
    const workers = [...known.values()];
    for (const name of this.#seen.keys()) if (!known.has(name)) this.#seen.delete(name);
    for (const worker of workers) {
      this.#order(worker, workers);
      this.#flapping(worker);
      for (const attempt of worker.attempts.values()) {
        if (!attempt.handBack || this.#handedBack.has(attempt)) continue;
        this.#handedBack.add(attempt);
        this.#patience(orchestrator, worker, attempt);
      }
    }
  }

  /** The pod of that number is removed. */
  removed(index: number): void {
    const { orchestrator, violation } = this.#surroundings;
    const known = orchestrator();
    const worker = known?.cluster.workers.get(`w-${index}`);
    // Beyond the maximum it has the time of its own drain, like any pod that is removed.
    if (!known || !worker || index >= (this.#fleet.spec?.maximum ?? 0)) return;
    const { leavingSince } = worker;
    const mayPlay = leavingSince === null || known.driver.now() - leavingSince < SETTINGS.drainTimeoutMs;
    if (mayPlay && worker.running > 0) violation(`${worker.name} was removed while it plays`);
  }

  end(): void {
    const { orchestrator, violation } = this.#surroundings;
    const view = orchestrator()?.scaling.view();
    const alive = this.#fleet.workers.filter(({ process }) => process.alive).length;
    // Who was away when it was put back in service is still drained.
    const isDrained = orchestrator()
      ?.cluster.workers.values()
      .some(({ drained }) => drained);
    if (!view || !this.#fleet.spec || isDrained) return;
    if (view.current !== alive || view.deviation !== 0 || this.#fleet.spec.desired !== view.desired)
      violation(`the fleet does not come to rest: ${JSON.stringify({ alive, ...view })}`);
  }

  #disturb(): void {
    this.#disturbedAt = this.#surroundings.loop.now;
  }

  /** The highest go first: those that were there when it was told to go. */
  #order({ name, ordinal, leavingSince: since }: Worker, workers: readonly Worker[]): void {
    if (since === null) return;
    const other = workers.find(({ leavingSince, connectedAt, ordinal: its }) => {
      return leavingSince === null && connectedAt < since && (its ?? 0) > (ordinal ?? 0);
    });
    if (other) this.#surroundings.violation(`${name} goes before ${other.name}`);
  }

  /** Jobs alone don't send anybody away again within the stabilisation window. */
  #flapping(worker: Worker): void {
    const { loop, violation } = this.#surroundings;
    const before = this.#seen.get(worker.name);
    const now = { isLeaving: worker.leavingSince !== null, isServing: isServing(worker) };
    if (before?.isLeaving === now.isLeaving && before.isServing === now.isServing) return;
    if (before?.isServing !== now.isServing) this.#disturb();
    const isBack = before?.isLeaving && !now.isLeaving;
    const backAt = isBack ? loop.now : (before?.backAt ?? Number.NEGATIVE_INFINITY);
    this.#seen.set(worker.name, { ...now, backAt });
    const isSentAgain = this.#isQuiet && now.isLeaving && !before?.isLeaving && this.#disturbedAt < backAt;
    if (isSentAgain && loop.now - backAt < (this.#fleet.spec?.stabilisationMs ?? 0))
      violation(`${worker.name} was called back ${loop.now - backAt} ms before it was sent away again`);
  }

  #patience({ cluster, driver }: SimOrchestrator, worker: Worker, { jobId }: Attempt): void {
    const { violation } = this.#surroundings;
    const job = cluster.jobs.get(jobId);
    const { name, leavingSince } = worker;
    // Its time may be over at the moment in which it is called back.
    if (!job || leavingSince === null || this.#isAnyDrained) return;
    if (job.spec.jobClass === 'background') {
      const isWithin = (worker.ordinal ?? 0) < (this.#fleet.spec?.maximum ?? 0);
      const others = [...cluster.workers.values()];
      if (this.#isQuiet && isWithin && !others.some((other) => couldTake(other, job)))
        violation(`${jobId} was moved away from ${name}, and nobody else could take it`);
    } else if (driver.now() - leavingSince < SETTINGS.drainTimeoutMs)
      violation(`${jobId} was moved away from ${name} before its time was over`);
  }
}

function couldTake(worker: Worker, { avoid, requirements }: Job): boolean {
  const { name, leavingSince, running, slots, capabilities } = worker;
  const isAble = requirements.decoders.length === 0 || capabilities.decoders.length === 0;
  return isAble && leavingSince === null && isServing(worker) && running < slots && !avoid.has(name);
}
