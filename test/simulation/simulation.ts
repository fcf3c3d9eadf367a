import type { Observer } from '../../orchestrator/driver.ts';
import type { Wire } from './connection.ts';
import { EventLoop } from './eventLoop.ts';
import { SimHook } from './hook.ts';
import { Invariants } from './invariants.ts';
import { SimMachine } from './machine.ts';
import { newWire, SimOrchestrator, SimRelay, SimWorker, type Surroundings, specOf } from './parts.ts';
import type { Act, Plan } from './plan.ts';
import { Random } from './random.ts';
import type { SimTranscoder } from './transcoder.ts';

/** Long enough for every deadline that there is, once the faults have stopped. */
const QUIET_MS = 400_000;
const STORAGE_KNOWN_MS = 8_000;
/** At most, one way. */
const SLOW_WIRE_MS = 1_500;

export interface Result {
  readonly steps: number;
  readonly violations: readonly string[];
  /** What was done and what the orchestrator decided, for people. */
  readonly trace: readonly string[];
}

/** One world, from its plan to its end. */
export class Simulation {
  readonly #loop = new EventLoop();
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #transcoders = new Set<SimTranscoder>();
  readonly #surroundings: Surroundings;
  readonly #hooks: SimHook[] = [];
  readonly #workers: SimWorker[] = [];
  readonly #machines: Record<'orchestrator' | 'relay', SimMachine>;
  readonly #workerMachines: SimMachine[];
  readonly #invariants: Invariants;
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  #orchestrator: SimOrchestrator | null = null;
  /** Does not know yet that another one leads. */
  #deposed: SimOrchestrator | null = null;
  #terms = 0;
  #relay: SimRelay | null = null;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed ^ 0x5bd1e995);
    this.#surroundings = {
      loop: this.#loop,
      random: this.#random,
      owners: new Map(),
      transcoders: this.#transcoders,
      orchestrator: () => this.#orchestrator,
      reached: () => this.#reached(),
      violation: (text) => this.#violation(text),
      exits: [],
    };
    this.#machines = { orchestrator: new SimMachine(this.#loop), relay: new SimMachine(this.#loop) };
    this.#workerMachines = plan.workers.map(() => new SimMachine(this.#loop));
    this.#invariants = new Invariants(this.#surroundings, this.#workers, this.#hooks, plan);
  }

  run(): Result {
    const { workers, acts } = this.#plan;
    this.#startOrchestrator();
    this.#relay = this.#newRelay(newWire(this.#random));
    for (const index of workers.keys()) this.#startWorker(index);
    for (const act of acts) this.#loop.at(act.at, () => this.#do(act));
    const end = (acts.at(-1)?.at ?? 0) + QUIET_MS;
    while (this.#violations.length === 0 && this.#loop.step(end)) this.#invariants.step();
    if (this.#violations.length === 0) this.#invariants.end();
    return { steps: this.#loop.steps, violations: this.#violations, trace: this.#trace };
  }

  #startOrchestrator(): void {
    this.#terms += 1;
    this.#orchestrator = new SimOrchestrator(this.#machines.orchestrator, this.#terms, (orchestrator) =>
      this.#observer(orchestrator),
    );
  }

  /** A new one leads at once; the one before keeps its connections, and gets some new ones, until it notices. */
  #depose(ms: number): void {
    this.#resign();
    const deposed = this.#orchestrator;
    if (!deposed) return;
    this.#deposed = deposed;
    this.#startOrchestrator();
    this.#later(ms, () => {
      if (this.#deposed === deposed) this.#resign();
    });
  }

  #resign(): void {
    const deposed = this.#deposed;
    this.#deposed = null;
    if (!deposed) return;
    deposed.hub.close('not-leader');
    deposed.process.alive = false;
  }

  #reached(): SimOrchestrator | null {
    return this.#deposed && this.#random.chance(0.5) ? this.#deposed : this.#orchestrator;
  }

  #startWorker(index: number): void {
    const machine = this.#workerMachines[index];
    if (!machine) return;
    const wire = this.#workers[index]?.wire ?? newWire(this.#random);
    this.#workers[index] = new SimWorker(
      this.#surroundings,
      `w${index}`,
      this.#plan.workers[index] ?? 1,
      machine,
      wire,
    );
  }

  #do(act: Act): void {
    this.#say(JSON.stringify(act));
    switch (act.do) {
      case 'job': {
        const spec = specOf(`job${this.#hooks.length}`, act.jobClass, act.local);
        const { loop, random, owners, violation } = this.#surroundings;
        const relay = (): SimRelay | null => this.#relay;
        this.#hooks.push(new SimHook(spec, { loop, random, relay, owners, violation }));
        break;
      }
      case 'kill-hook':
        this.#hooks[act.job]?.kill();
        break;
      case 'signal-hook':
        this.#hooks[act.job]?.signal('SIGTERM');
        break;
      case 'submit-again':
        this.#relay?.submitAgain(`job${act.job}`);
        break;
      case 'hook-again':
        this.#hooks[act.job]?.again();
        break;
      case 'cancel-job': {
        const to = this.#orchestrator;
        const jobId = `job${act.job}`;
        to?.process.run(() => to.driver.handle({ type: 'cancel', jobId, signal: 'SIGTERM' }));
        const hook = this.#hooks[act.job];
        if (hook) hook.signalled ??= 'SIGTERM';
        break;
      }
      case 'drain':
        this.#drain(act.worker, true);
        this.#later(act.ms, () => this.#drain(act.worker, false));
        break;
      case 'crash-worker':
        this.#workers[act.worker]?.crash();
        this.#later(act.ms, () => {
          if (!this.#workers[act.worker]?.process.alive) this.#startWorker(act.worker);
        });
        break;
      case 'cut-worker':
        this.#workers[act.worker]?.link.cut();
        break;
      case 'freeze-worker':
        this.#workers[act.worker]?.process.freeze(act.ms);
        break;
      case 'storage-bad':
        this.#workers[act.worker]?.setReady(false);
        this.#later(act.ms, () => this.#workers[act.worker]?.setReady(true));
        break;
      case 'storage-hangs':
        this.#hangStorage(act.worker, act.ms);
        break;
      case 'suspend-worker':
        this.#workerMachines[act.worker]?.suspend(act.ms, act.clock);
        break;
      case 'slow-worker':
        this.#slow(this.#workers[act.worker]?.wire, act.ms);
        break;
      case 'partition-worker': {
        const wire = this.#workers[act.worker]?.wire;
        if (wire) wire.blocked = act.way;
        this.#later(act.ms, () => {
          if (wire) wire.blocked = 'none';
          this.#workers[act.worker]?.link.unblocked();
        });
        break;
      }
      default:
        this.#doToService(act);
    }
  }

  #doToService(act: Extract<Act, { do: `${string}-orchestrator` | `${string}-relay` }>): void {
    const orchestrator = this.#orchestrator;
    const relay = this.#relay;
    switch (act.do) {
      case 'freeze-orchestrator':
        orchestrator?.process.freeze(act.ms);
        break;
      case 'depose-orchestrator':
        this.#depose(act.ms);
        break;
      case 'suspend-orchestrator':
        this.#machines.orchestrator.suspend(act.ms, act.clock);
        break;
      case 'suspend-relay':
        this.#machines.relay.suspend(act.ms, act.clock);
        break;
      case 'slow-relay':
        this.#slow(relay?.wire, act.ms);
        break;
      case 'stop-orchestrator':
      case 'crash-orchestrator':
        if (!orchestrator) break;
        if (act.do === 'stop-orchestrator') orchestrator.hub.close();
        for (const peer of [...this.#workers, relay]) peer?.link.cut();
        orchestrator.process.alive = false;
        this.#orchestrator = null;
        this.#later(act.ms, () => this.#startOrchestrator());
        break;
      case 'crash-relay':
        if (!relay) break;
        relay.crash();
        this.#relay = null;
        for (const hook of this.#hooks) this.#later(this.#random.next() * 10, () => hook.relayDied(relay));
        this.#later(act.ms, () => {
          this.#relay = this.#newRelay(relay.wire);
        });
        break;
      case 'cut-relay':
        relay?.link.cut();
        break;
      case 'freeze-relay':
        relay?.process.freeze(act.ms);
        break;
      case 'partition-relay':
        if (!relay) break;
        relay.wire.blocked = act.way;
        this.#later(act.ms, () => {
          relay.wire.blocked = 'none';
          this.#relay?.link.unblocked();
        });
        break;
    }
  }

  #newRelay(wire: Wire): SimRelay {
    return new SimRelay(this.#surroundings, this.#machines.relay, wire);
  }

  /** What has opened a file there hangs, and the worker finds out after a while. */
  #hangStorage(index: number, ms: number): void {
    const storage = this.#workerMachines[index]?.storage;
    storage?.begin(ms);
    this.#later(this.#random.next() * STORAGE_KNOWN_MS, () => {
      if (storage?.lasts) this.#workers[index]?.setReady(false);
    });
    this.#later(ms, () => {
      if (!storage?.lasts) this.#workers[index]?.setReady(true);
    });
  }

  #slow(wire: Wire | undefined, ms: number): void {
    if (!wire) return;
    wire.delay = SLOW_WIRE_MS;
    this.#later(ms, () => {
      wire.delay = 0;
    });
  }

  #drain(index: number, drained: boolean): void {
    const to = this.#orchestrator;
    to?.process.run(() => to.driver.handle({ type: 'drain', worker: `w${index}`, drained }));
  }

  #later(ms: number, call: () => void): void {
    this.#loop.at(this.#loop.now + ms, call);
  }

  #observer(orchestrator: SimOrchestrator): Observer {
    return (effect) => {
      if (effect.type !== 'job-changed' || effect.event === 'progress') return;
      const { job, event, attempt } = effect;
      this.#say(`${job.spec.jobId} ${event} ${attempt ? `${attempt.number} on ${attempt.worker}` : ''}`);
      if (event === 'placed' && attempt) this.#invariants.placed(orchestrator, job, attempt);
      if (event === 'attempt-ended' && attempt) this.#invariants.attemptEnded(job, attempt);
      if (event === 'ended') this.#invariants.ended(job);
    };
  }

  #say(text: string): void {
    this.#trace.push(`${this.#loop.now.toFixed(1)} ${text}`);
  }

  #violation(text: string): void {
    this.#say(`VIOLATION ${text}`);
    this.#violations.push(text);
  }
}
