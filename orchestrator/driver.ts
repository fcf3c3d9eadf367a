import type { Clock, Timer } from '#shared/clock.ts';
import { assertNever } from '#shared/errors.ts';
import type { Cluster } from './core/cluster.ts';
import type { Effect } from './core/effects.ts';
import type { ClusterEvent } from './core/events.ts';

/** A timer that is later than this was not: the process stood still, stopped or suspended with its machine. */
const LATE_MS = 1_000;
/** What peers said meanwhile is then read, and who gave us up has come back, before anything falls due. */
const SETTLE_MS = 3_000;

/** Carries out what concerns connections. */
export interface Performer {
  perform(
    effect: Extract<
      Effect,
      { type: 'welcome' | 'tell-worker' | 'tell-relay' | 'contract-changed' | 'close' }
    >,
  ): void;
}

/** Watches what happens; must not throw and must not change anything. */
export type Observer = (
  effect: Extract<Effect, { type: 'job-changed' | 'worker-changed' | 'relays-changed' }>,
) => void;

/** Gives the core its time and its one timer, and hands out its effects. */
export class Driver {
  readonly cluster: Cluster;
  readonly #clock: Clock;
  readonly #observers: Observer[] = [];
  readonly #waiting: ClusterEvent[] = [];
  #busy = false;
  #performer: Performer | null = null;
  #timer: Timer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  /** How long this process stood still, in which nobody can be said to have been silent. */
  #stoodStillMs = 0;
  #lastNow = 0;

  constructor(cluster: Cluster, clock: Clock) {
    this.cluster = cluster;
    this.#clock = clock;
    this.#armTimer();
  }

  performWith(performer: Performer): void {
    this.#performer = performer;
  }

  observe(observer: Observer): void {
    this.#observers.push(observer);
  }

  /** An event that comes up while effects are carried out (a connection that closes, say) waits its turn. */
  handle(event: ClusterEvent): void {
    this.#waiting.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        for (const effect of this.cluster.handle(next, this.now())) this.#carryOut(effect);
      }
    } finally {
      this.#busy = false;
      this.#armTimer();
    }
  }

  heard(connection: number): void {
    this.cluster.heard(connection, this.now());
  }

  /** The core's time: that of the clock, without the time in which this process stood still. */
  now(): number {
    const late = this.#awakeMs - this.#timerAt;
    if (late > LATE_MS) this.#stoodStillMs += late + SETTLE_MS;
    this.#lastNow = Math.max(this.#lastNow, this.#awakeMs);
    return this.#lastNow;
  }

  get #awakeMs(): number {
    return this.#clock.now() - this.#stoodStillMs;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'welcome':
      case 'tell-worker':
      case 'tell-relay':
      case 'contract-changed':
      case 'close':
        this.#performer?.perform(effect);
        break;
      case 'job-changed':
      case 'worker-changed':
      case 'relays-changed':
        for (const observer of this.#observers) observer(effect);
        break;
      default:
        assertNever(effect);
    }
  }

  /** A timer that fires too early costs nothing; so it is only moved forward, never back. */
  #armTimer(): void {
    const at = this.cluster.nextDeadline;
    if (at === null || at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.after(Math.max(0, Math.ceil(at - this.#awakeMs)), () => {
      // It asks what time it is while it still knows when it should have fired.
      this.now();
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.handle({ type: 'tick' });
    });
  }
}
