import { Elector, type LeaseAnswer, type LeaseCall } from '../../../../orchestrator/leader/elector.ts';
import { EventLoop } from '../../../simulation/eventLoop.ts';
import type { Random } from '../../../simulation/random.ts';
import { LeaseStore } from './leaseStore.ts';

export const DURATION_MS = 15_000;
export const DEADLINE_MS = 10_000;
export const RETRY_MS = 2_000;
const TIMEOUT_MS = 5_000;

/** How the way to the API server is at the moment. */
export interface Weather {
  /** At most, one way. */
  latencyMs: number;
  /** Of calls that get no answer; half of those are carried out, if only much later. */
  lossShare: number;
}

/** A process that takes part, with a clock that runs at its own rate. */
class Candidate {
  readonly identity: string;
  readonly #world: Elections;
  readonly #rate: number;
  readonly #elector: Elector;
  #frozenUntil = 0;
  #wakes = 0;
  alive = true;

  constructor(world: Elections, identity: string, rate: number) {
    this.#world = world;
    this.identity = identity;
    this.#rate = rate;
    this.#elector = new Elector(
      {
        identity,
        durationMs: DURATION_MS,
        renewDeadlineMs: DEADLINE_MS,
        retryMs: RETRY_MS,
        random: () => world.random.next(),
      },
      this.#now,
    );
    this.#turn();
  }

  get #now(): number {
    return 1_000 + this.#world.loop.now * this.#rate;
  }

  get leads(): boolean {
    return this.alive && this.#elector.leads(this.#now);
  }

  get term(): number {
    return this.#elector.term;
  }

  /** SIGSTOP: its clock goes on. */
  freeze(ms: number): void {
    this.#frozenUntil = this.#world.loop.now + ms;
  }

  release(): void {
    this.#run(() => this.#elector.release(this.#now));
  }

  #run(call: () => void): void {
    if (!this.alive) return;
    const { loop } = this.#world;
    if (loop.now < this.#frozenUntil) {
      loop.at(this.#frozenUntil, () => this.#run(call));
      return;
    }
    call();
    this.#turn();
  }

  #turn(): void {
    const { loop } = this.#world;
    if (this.#elector.deposed(this.#now)) this.#world.restart(this);
    const call = this.#elector.next(this.#now);
    if (call) this.#ask(call);
    const at = this.#elector.wakeAt;
    this.#wakes += 1;
    const wake = this.#wakes;
    if (at !== null) {
      loop.at(loop.now + Math.max(0, at - this.#now) / this.#rate + 0.001, () => {
        if (wake === this.#wakes) this.#run(() => undefined);
      });
    }
  }

  #ask(call: LeaseCall): void {
    const { loop } = this.#world;
    let answered = false;
    const answer = (what: LeaseAnswer): void => {
      if (answered) return;
      answered = true;
      this.#run(() => this.#elector.answered(what, this.#now));
    };
    this.#world.carryOut(call, answer);
    loop.at(loop.now + TIMEOUT_MS / this.#rate, () => answer({ type: 'failed' }));
  }
}

/** Several candidates, one API server, and what lies between them. */
export class Elections {
  readonly loop = new EventLoop();
  readonly random: Random;
  readonly weather: Weather;
  readonly store = new LeaseStore();
  candidates: Candidate[] = [];
  readonly problems: string[] = [];
  readonly #drift: number;
  #made = 0;
  #highestTerm = 0;
  #leader: Candidate | null = null;

  /** @param drift by how much their clocks may be too fast or too slow */
  constructor(random: Random, weather: Weather, count: number, drift: number) {
    this.random = random;
    this.weather = weather;
    this.#drift = drift;
    for (let index = 0; index < count; index += 1) this.#add();
  }

  get leader(): Candidate | null {
    return this.candidates.find((each) => each.leads) ?? null;
  }

  /** SIGKILL, or the exit of one that lost its leadership; another process follows. */
  restart(candidate: Candidate): void {
    if (!candidate.alive) return;
    candidate.alive = false;
    this.candidates = this.candidates.filter((each) => each !== candidate);
    this.loop.at(this.loop.now + 500, () => this.#add());
  }

  /** @returns whether the condition became true in that time */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.loop.now + ms;
    while (!condition()) {
      if (!this.loop.step(end)) return false;
      this.#check();
    }
    return true;
  }

  carryOut(call: LeaseCall, answer: (what: LeaseAnswer) => void): void {
    const { latencyMs, lossShare } = this.weather;
    const isLost = this.random.chance(lossShare);
    const isLate = this.random.chance(0.5);
    const way = () => this.random.next() * latencyMs;
    if (isLost && !isLate) return;
    this.loop.at(this.loop.now + way() + (isLost ? this.random.next() * 30_000 : 0), () => {
      const what = this.store.carryOut(call, this.loop.now, DURATION_MS);
      if (!isLost) this.loop.at(this.loop.now + way(), () => answer(what));
    });
  }

  #add(): void {
    this.#made += 1;
    const rate = 1 + (this.random.next() * 2 - 1) * this.#drift;
    this.candidates.push(new Candidate(this, `c${this.#made}`, rate));
  }

  #check(): void {
    const leaders = this.candidates.filter((each) => each.leads);
    if (leaders.length > 1)
      this.problems.push(`${this.loop.now}: ${leaders.map(({ identity }) => identity).join(' and ')} lead`);
    const [leader] = leaders;
    if (!leader || leader === this.#leader) return;
    if (leader.term <= this.#highestTerm)
      this.problems.push(`${leader.identity} leads with term ${leader.term} after ${this.#highestTerm}`);
    this.#highestTerm = leader.term;
    this.#leader = leader;
  }
}
