import type { Bounds } from '../../orchestrator/core/scaleSpec.ts';
import type { Observer } from '../../orchestrator/driver.ts';
import type { Wire } from './connection.ts';
import { EventLoop } from './eventLoop.ts';
import { SimFleet } from './fleet.ts';
import { SimHook } from './hook.ts';
import { Invariants } from './invariants.ts';
import { SimMachine } from './machine.ts';
import { SimOrchestrator } from './orchestrator.ts';
import { newWire, SimRelay, type Surroundings, specOf } from './parts.ts';
import type { Act, Plan } from './plan.ts';
import { Random } from './random.ts';
import type { SimTranscoder } from './transcoder.ts';

/** Long enough for every deadline that there is, once the faults have stopped. */
const QUIET_MS = 400_000;

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
  readonly #machines: Record<'orchestrator' | 'relay', SimMachine>;
  readonly #fleet: SimFleet;
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
    this.#fleet = new SimFleet(this.#surroundings, plan, (index) => this.#invariants.removed(index));
    this.#invariants = new Invariants(this.#surroundings, this.#fleet, this.#hooks, plan);
  }

  run(): Result {
    const { acts } = this.#plan;
    this.#startOrchestrator();
    this.#relay = this.#newRelay(newWire(this.#random));
    this.#fleet.start();
    for (const act of acts) this.#loop.at(act.at, () => this.#do(act));
    const end = (acts.at(-1)?.at ?? 0) + QUIET_MS;
    while (this.#violations.length === 0 && this.#loop.step(end)) this.#invariants.step();
    if (this.#violations.length === 0) this.#invariants.end();
    return { steps: this.#loop.steps, violations: this.#violations, trace: this.#trace };
  }

  #startOrchestrator(): void {
    this.#terms += 1;
    const machine = this.#machines.orchestrator;
    const observer = (orchestrator: SimOrchestrator): Observer => this.#observer(orchestrator);
    this.#orchestrator = new SimOrchestrator(machine, this.#terms, this.#fleet.spec, observer);
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

  #rescale(bounds: Bounds): void {
    const to = this.#orchestrator;
    const { spec } = this.#fleet;
    if (!spec) return;
    const changed = { ...spec, ...bounds };
    this.#fleet.spec = changed;
    to?.process.run(() => to.specify(changed));
    this.#invariants.scaledUntil(this.#loop.now);
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

  #do(act: Act): void {
    this.#say(JSON.stringify(act));
    if ('worker' in act) {
      this.#fleet.do(act);
      return;
    }
    switch (act.do) {
      case 'job': {
        const spec = specOf(`job${this.#hooks.length}`, act.jobClass, act.local, act.isHard ?? false);
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
      case 'scale':
        this.#rescale({ minimum: act.minimum, desired: act.desired, maximum: act.maximum });
        break;
      case 'burst': {
        const to = this.#orchestrator;
        const burst = { workers: act.workers, minutes: act.ms / 60_000 };
        to?.process.run(() => to.scaling.change({ burst }));
        this.#invariants.scaledUntil(this.#loop.now + act.ms);
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
        this.#fleet.slow(relay?.wire, act.ms);
        break;
      case 'stop-orchestrator':
      case 'crash-orchestrator':
        if (!orchestrator) break;
        if (act.do === 'stop-orchestrator') orchestrator.hub.close();
        for (const peer of [...this.#fleet.workers, relay]) peer?.link.cut();
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
