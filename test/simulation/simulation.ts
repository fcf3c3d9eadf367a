import { isFeasible } from '../../orchestrator/core/feasible.ts';
import { type Job, jobState, type Worker } from '../../orchestrator/core/model.ts';
import type { Observer } from '../../orchestrator/driver.ts';
import { EventLoop } from './eventLoop.ts';
import { SimHook } from './hook.ts';
import { newWire, SimOrchestrator, SimRelay, SimWorker, type Surroundings, specOf } from './parts.ts';
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
  readonly #workers: (SimWorker | null)[] = [];
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  /** Codes with which transcoders of a job ended by themselves. */
  readonly #codes = new Map<string, Set<number>>();
  #orchestrator: SimOrchestrator | null = null;
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
      violation: (text) => this.#violation(text),
      exited: (jobId, code) => {
        const codes = this.#codes.get(jobId) ?? new Set();
        this.#codes.set(jobId, codes.add(code));
      },
    };
  }

  run(): Result {
    const { workers, acts } = this.#plan;
    this.#startOrchestrator();
    this.#relay = new SimRelay(this.#surroundings, newWire(this.#random));
    for (const index of workers.keys()) this.#startWorker(index);
    for (const act of acts) this.#loop.at(act.at, () => this.#do(act));
    const end = (acts.at(-1)?.at ?? 0) + QUIET_MS;
    while (this.#violations.length === 0 && this.#loop.step(end)) this.#check();
    if (this.#violations.length === 0) this.#checkEnd();
    return { steps: this.#loop.steps, violations: this.#violations, trace: this.#trace };
  }

  #startOrchestrator(): void {
    this.#orchestrator = new SimOrchestrator(this.#surroundings, (orchestrator) =>
      this.#observer(orchestrator),
    );
  }

  #startWorker(index: number): void {
    const wire = this.#workers[index]?.wire ?? newWire(this.#random);
    this.#workers[index] = new SimWorker(
      this.#surroundings,
      `w${index}`,
      this.#plan.workers[index] ?? 1,
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
          this.#relay = new SimRelay(this.#surroundings, relay.wire);
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

  #drain(index: number, drained: boolean): void {
    const to = this.#orchestrator;
    to?.process.run(() => to.driver.handle({ type: 'drain', worker: `w${index}`, drained }));
  }

  #later(ms: number, call: () => void): void {
    this.#loop.at(this.#loop.now + ms, call);
  }

  /** Every placement, at the moment in which it is made. */
  #observer(orchestrator: SimOrchestrator): Observer {
    return (effect) => {
      if (effect.type !== 'job-changed' || effect.event === 'progress') return;
      const { job, event, attempt } = effect;
      this.#say(`${job.spec.jobId} ${event} ${attempt ? `${attempt.number} on ${attempt.worker}` : ''}`);
      if (event !== 'placed' || !attempt) return;
      const worker = orchestrator.cluster.workers.get(attempt.worker);
      const eligible = worker?.connection !== null && worker?.ready && !worker.draining && !worker.drained;
      if (!worker || !eligible || job.avoid.has(worker.name))
        this.#violation(`${job.spec.jobId} was placed on an ineligible ${attempt.worker}`);
      if (job.spec.jobClass === 'background') this.#checkOrder(orchestrator, job, worker);
    };
  }

  #checkOrder(orchestrator: SimOrchestrator, job: Job, worker: Worker | undefined): void {
    for (const other of waiting(orchestrator)) {
      if (other.spec.jobClass === 'playback' && worker && isFeasible(worker, other)) {
        this.#violation(`${job.spec.jobId} went before ${other.spec.jobId}, for which somebody waits`);
      }
    }
  }

  /** What holds after every step. */
  #check(): void {
    const writers = new Set<string>();
    const load = new Map<string, number>();
    for (const transcoder of this.#transcoders) {
      const { jobId, workerName, writes } = transcoder;
      if (writes && writers.has(jobId)) this.#violation(`${jobId} has two writers`);
      if (writes) writers.add(jobId);
      load.set(workerName, (load.get(workerName) ?? 0) + 1);
    }
    const orchestrator = this.#orchestrator;
    if (!orchestrator) return;
    for (const { name, running, slots, attempts } of orchestrator.cluster.workers.values()) {
      if (running > slots) this.#violation(`${name} holds ${running} attempts in ${slots} slots`);
      const live = [...attempts.values()].filter(({ phase }) => phase !== 'ended').length;
      if (live !== running) this.#violation(`${name} counts ${running} attempts and holds ${live}`);
    }
    if (orchestrator.cluster.queued > 0) this.#checkIdle(orchestrator);
  }

  #checkIdle(orchestrator: SimOrchestrator): void {
    const idle = [...orchestrator.cluster.workers.values()].filter(
      ({ connection, ready, draining, drained, running, slots }) =>
        connection !== null && ready && !draining && !drained && running < slots,
    );
    if (idle.length === 0) return;
    for (const job of waiting(orchestrator)) {
      const worker = idle.find((candidate) => isFeasible(candidate, job));
      if (worker) this.#violation(`${job.spec.jobId} waits beside the idle ${worker.name}`);
    }
  }

  /** What holds when the faults have stopped and time has passed. */
  #checkEnd(): void {
    for (const hook of this.#hooks) this.#checkVerdict(hook);
    for (const { jobId, number } of this.#transcoders)
      this.#violation(`${jobId} attempt ${number} never ended`);
    const cluster = this.#orchestrator?.cluster;
    if (!cluster) return;
    for (const { spec } of cluster.jobs.values()) this.#violation(`${spec.jobId} is still known`);
    for (const { name, attempts } of cluster.workers.values()) {
      if (attempts.size > 0) this.#violation(`${name} still holds ${attempts.size} attempts`);
    }
    for (const worker of this.#workers) {
      if (worker && worker.attempts.statuses.length > 0)
        this.#violation(`${worker.name} still knows attempts`);
    }
    if (cluster.workers.size !== this.#workers.length) this.#violation('not all workers came back');
  }

  #checkVerdict({ spec, verdict, signalled }: SimHook): void {
    if (verdict === null) {
      this.#violation(`the hook of ${spec.jobId} hangs`);
      return;
    }
    const code = Number(verdict.replace('exit ', ''));
    if (verdict === 'gone' || verdict === 'local' || code === 75 || signalled) return;
    if (!this.#codes.get(spec.jobId)?.has(code))
      this.#violation(`${spec.jobId} ended with ${code}, which no transcoder said`);
  }

  #say(text: string): void {
    this.#trace.push(`${this.#loop.now.toFixed(1)} ${text}`);
  }

  #violation(text: string): void {
    this.#say(`VIOLATION ${text}`);
    this.#violations.push(text);
  }
}

/** Jobs in the queue, as opposed to those that wait for their workers after a restart. */
function waiting({ cluster }: SimOrchestrator): Job[] {
  if (cluster.queued === 0) return [];
  return [...cluster.jobs.values()].filter((job) => jobState(job) === 'queued' && !cluster.isRecovering(job));
}
