import type { Worker } from './model.ts';
import { type IsHeld, isServing, lowestFirst, withHeld } from './ordinals.ts';
import { RecentMaximum } from './recentMaximum.ts';
import { type Bounds, changed, type GroupSpec, UNSPECIFIED } from './scaleSpec.ts';

export interface Burst {
  readonly workers: number;
  /** Time of the core's clock, in milliseconds. */
  readonly until: number;
}

/** What decided how many workers there should be; `recent` is what jobs needed a while ago. */
export const REASONS = ['spec', 'burst', 'running', 'queue', 'recent', 'warm', 'maximum'] as const;
export type Reason = (typeof REASONS)[number];

export interface Decision {
  readonly desired: number;
  readonly reason: Reason;
}

/** More than any group could ever serve at once. */
const MAX_MISSED = 10_000;

/** Workers that are scaled together: what was asked for, what jobs need, and what follows. All times are given. */
export class ScaleGroup {
  readonly name: string;
  #spec: GroupSpec;
  #bursts: readonly Burst[] = [];
  #members: readonly Worker[] = [];
  #isHeld: IsHeld = () => false;
  /** Of each worker, as it was seen last. */
  #slotsEach = 1;
  #running = 0;
  /** Workers that take jobs and are to stay. */
  #staying = 0;
  /** Workers that would take jobs if they were not to go, the lowest first, with what they have room for. */
  #leaving: { readonly worker: Worker; room: number }[] = [];
  /** How many of those have to come back, and the jobs for which that is not enough. */
  #calledBack = 0;
  #unplaced = 0;
  #waiting = 0;
  /** When jobs found no worker here and went elsewhere. */
  #missed: number[] = [];
  readonly #needed = new RecentMaximum();
  /** Of a new one, nobody knows what was before. */
  #busyAt: number;

  constructor(name: string, spec: GroupSpec, now: number) {
    this.name = name;
    this.#spec = spec;
    this.#busyAt = now;
  }

  get spec(): GroupSpec {
    return this.#spec;
  }

  get members(): readonly Worker[] {
    return this.#members;
  }

  /** Nobody is in it or has asked for anything. */
  isOfNoInterest(now: number): boolean {
    return this.#spec === UNSPECIFIED && this.#members.length === 0 && this.activeBursts(now).length === 0;
  }

  specify(spec: GroupSpec): void {
    this.#spec = spec;
  }

  change(change: Partial<Bounds>): void {
    this.#spec = changed(this.#spec, change);
  }

  burst(burst: Burst): void {
    this.#bursts = [...this.#bursts, burst];
  }

  activeBursts(now: number): readonly Burst[] {
    this.#bursts = this.#bursts.filter(({ until }) => until > now);
    return this.#bursts;
  }

  /** Looks at its workers; who waits for them is told next. */
  look(members: readonly Worker[], isHeld: IsHeld, now: number): void {
    this.#members = members;
    this.#isHeld = isHeld;
    this.#running = members.reduce((sum, { running }) => sum + running, 0);
    const serving = members.filter(isServing);
    const leaving = serving.filter(({ leavingSince }) => leavingSince !== null);
    this.#staying = serving.length - leaving.length;
    this.#leaving = lowestFirst(leaving).map(({ worker }) => {
      return { worker, room: Math.max(0, worker.slots - worker.running) };
    });
    this.#calledBack = 0;
    this.#unplaced = 0;
    this.#waiting = 0;
    this.#missed = this.#missed.filter((at) => now - at <= this.#spec.stabilisationMs);
    if (members.length > 0) {
      this.#slotsEach = members.reduce((sum, { slots }) => sum + slots, 0) / members.length;
    }
  }

  /** As if somebody had just asked for something: whoever does not lead can't know. */
  presumeBusy(now: number): void {
    this.#busyAt = now;
  }

  /** Jobs that it could still hold with all the workers that it may have. */
  get room(): number {
    const slots = this.#spec.maximum * this.#slotsEach;
    return Math.max(0, Math.floor(slots) - this.#running - this.#waiting - this.#missed.length);
  }

  /** So many wait for such a worker. One that is to go needs no start, but those below it come back as well. */
  wait(jobs: number, suits: (worker: Worker) => boolean): void {
    this.#waiting += jobs;
    let left = jobs;
    for (const [index, one] of this.#leaving.entries()) {
      if (left === 0) break;
      const some = suits(one.worker) ? Math.min(left, one.room) : 0;
      if (some === 0) continue;
      one.room -= some;
      left -= some;
      this.#calledBack = Math.max(this.#calledBack, index + 1);
    }
    this.#unplaced += left;
  }

  /** A job found no worker: the next one should. */
  miss(now: number): void {
    if (this.#missed.length < MAX_MISSED) this.#missed.push(now);
  }

  /** To be asked after it has been told who waits. */
  decide(now: number): Decision {
    const { scalable, desired, minimum, maximum, warm, idleMs, stabilisationMs } = this.#spec;
    const unserved = this.#waiting + this.#missed.length;
    if (this.#running + unserved > 0) this.#busyAt = now;
    const running = this.#workersFor(this.#running);
    // Who waits has asked all that stay: they are full, or have room that is not for it.
    const more = this.#calledBack + this.#workersFor(this.#unplaced);
    const beyond = this.#waiting > 0 ? this.#staying + more : 0;
    const needed = Math.max(this.#workersFor(this.#running + unserved), beyond);
    const asked: readonly Wanted[] = [
      ['spec', Math.max(minimum, desired)],
      ['burst', Math.max(0, ...this.activeBursts(now).map(({ workers }) => workers))],
      ['running', running],
      ['queue', needed],
      ['warm', now - this.#busyAt < idleMs ? warm : 0],
    ];
    const [, most] = largest(asked);
    // Where nobody is told to go, nobody is held.
    const held = scalable === false ? 0 : withHeld(this.#members, Math.min(most, maximum), this.#isHeld);
    this.#needed.add(now, held > most ? held : needed);
    const recent = this.#needed.since(now - stabilisationMs);
    const [reason, wanted] = largest([...asked, ['running', held], ['recent', recent]]);
    return wanted > maximum ? { desired: maximum, reason: 'maximum' } : { desired: wanted, reason };
  }

  #workersFor(jobs: number): number {
    return Math.ceil(jobs / this.#slotsEach);
  }
}

type Wanted = readonly [Reason, number];

/** Of equal ones the first. */
function largest(wanted: readonly Wanted[]): Wanted {
  return wanted.reduce((best, next) => (next[1] > best[1] ? next : best));
}
