import type { GroupSpec } from '../../orchestrator/core/scaleSpec.ts';
import type { Wire } from './connection.ts';
import { SimMachine } from './machine.ts';
import { newWire, SETTINGS, SimWorker, type Surroundings } from './parts.ts';
import type { Act, Plan } from './plan.ts';

const STORAGE_KNOWN_MS = 8_000;
/** At most, one way. */
const SLOW_WIRE_MS = 1_500;
/** How often the scaler asks, and how long it must have been told of fewer. */
const ASK_MS = 1_000;
const FEWER_FOR_MS = 4_000;
/** At most, until a new pod's worker is there. */
const START_MS = 3_000;

/** The workers, and what happens to them. Where they are scaled, they are pods, as many as the leader says. */
export class SimFleet {
  readonly workers: SimWorker[] = [];
  /** What the file of the scale says; null where nobody scales. */
  spec: GroupSpec | null;
  replicas: number;
  readonly #surroundings: Surroundings;
  readonly #plan: Plan;
  readonly #machines: readonly SimMachine[];
  readonly #removed: (index: number) => void;
  /** Since when the scaler is told of fewer than there are, when it last was, and of how many at most. */
  #fewer: { readonly since: number; readonly at: number; readonly most: number } | null = null;

  /** @param removed the worker of that number is told to go, as there are to be fewer */
  constructor(surroundings: Surroundings, plan: Plan, removed: (index: number) => void) {
    this.#surroundings = surroundings;
    this.#plan = plan;
    this.#removed = removed;
    this.#machines = plan.workers.map(() => new SimMachine(surroundings.loop));
    this.spec = plan.scale?.spec ?? null;
    this.replicas = this.spec?.desired ?? plan.workers.length;
  }

  start(): void {
    for (let index = 0; index < this.replicas; index += 1) this.#start(index);
    if (this.spec) this.#ask();
  }

  do(act: Extract<Act, { worker: number }>): void {
    const worker = this.workers[act.worker];
    switch (act.do) {
      case 'drain':
        this.#drain(act.worker, true);
        this.#later(act.ms, () => this.#drain(act.worker, false));
        break;
      case 'crash-worker':
        worker?.crash();
        this.#later(act.ms, () => this.#start(act.worker));
        break;
      case 'cut-worker':
        worker?.link.cut();
        break;
      case 'freeze-worker':
        worker?.process.freeze(act.ms);
        break;
      case 'storage-bad':
        worker?.setReady(false);
        this.#later(act.ms, () => this.workers[act.worker]?.setReady(true));
        break;
      case 'storage-hangs':
        this.#hangStorage(act.worker, act.ms);
        break;
      case 'suspend-worker':
        this.#machines[act.worker]?.suspend(act.ms, act.clock);
        break;
      case 'slow-worker':
        this.slow(worker?.wire, act.ms);
        break;
      case 'partition-worker': {
        const wire = worker?.wire;
        if (wire) wire.blocked = act.way;
        this.#later(act.ms, () => {
          if (wire) wire.blocked = 'none';
          this.workers[act.worker]?.link.unblocked();
        });
        break;
      }
    }
  }

  slow(wire: Wire | undefined, ms: number): void {
    if (!wire) return;
    wire.delay = SLOW_WIRE_MS;
    this.#later(ms, () => {
      wire.delay = 0;
    });
  }

  #start(index: number): void {
    const machine = this.#machines[index];
    const before = this.workers[index];
    if (!machine || before?.process.alive || index >= this.replicas) return;
    const { workers: slots, scale } = this.#plan;
    this.workers[index] = new SimWorker(this.#surroundings, {
      ...{ name: `w-${index}`, slots: slots[index] ?? 1, machine },
      isAble: scale?.able.includes(index) ?? true,
      wire: before?.wire ?? newWire(this.#surroundings.random),
    });
  }

  /** What has opened a file there hangs, and the worker finds out after a while. */
  #hangStorage(index: number, ms: number): void {
    const storage = this.#machines[index]?.storage;
    storage?.begin(ms);
    this.#later(this.#surroundings.random.next() * STORAGE_KNOWN_MS, () => {
      if (storage?.lasts) this.workers[index]?.setReady(false);
    });
    this.#later(ms, () => {
      if (!storage?.lasts) this.workers[index]?.setReady(true);
    });
  }

  #drain(index: number, drained: boolean): void {
    const to = this.#surroundings.orchestrator();
    to?.process.run(() => to.driver.handle({ type: 'drain', worker: `w-${index}`, drained }));
  }

  /** The scaler. */
  #ask(): void {
    this.#later(ASK_MS, () => this.#ask());
    const to = this.#surroundings.orchestrator();
    to?.process.run(() => this.#told(to.scaling.view().desiredWorkers));
  }

  /** More at once; fewer when it was told of nothing else for a while. */
  #told(wanted: number): void {
    const { now } = this.#surroundings.loop;
    const { since, at, most } = this.#fewer ?? { since: now, at: now, most: 0 };
    if (wanted >= this.replicas) this.#fewer = null;
    else if (now - at > 2 * ASK_MS) this.#fewer = { since: now, at: now, most: wanted };
    else this.#fewer = { since, at: now, most: Math.max(most, wanted) };
    if (wanted > this.replicas) this.#grow(wanted);
    else if (this.#fewer && now - this.#fewer.since >= FEWER_FOR_MS) this.#shrink(this.#fewer.most);
  }

  #grow(replicas: number): void {
    const before = this.replicas;
    this.replicas = replicas;
    for (let index = before; index < replicas; index += 1) {
      this.#later(this.#surroundings.random.next() * START_MS, () => this.#startAfter(index));
    }
  }

  /** A pod of that number that is still there goes first. */
  #startAfter(index: number): void {
    if (this.workers[index]?.process.alive) this.#later(ASK_MS, () => this.#startAfter(index));
    else this.#start(index);
  }

  #shrink(replicas: number): void {
    this.#fewer = null;
    for (let index = this.replicas - 1; index >= replicas; index -= 1) {
      const worker = this.workers[index];
      this.#removed(index);
      worker?.stop();
      this.#later(SETTINGS.drainTimeoutMs, () => {
        if (worker?.process.alive) worker.crash();
      });
    }
    this.replicas = replicas;
  }

  #later(ms: number, call: () => void): void {
    const { loop } = this.#surroundings;
    loop.at(loop.now + ms, call);
  }
}
