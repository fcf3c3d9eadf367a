import type { JobView, ScaleView, WorkerSummary } from '#shared/api/schemas.ts';
import type { Clock } from '#shared/clock.ts';

export type Change =
  | { readonly event: 'job'; readonly key: string; readonly data: JobView }
  | { readonly event: 'worker'; readonly key: string; readonly data: WorkerSummary }
  | { readonly event: 'worker-gone'; readonly key: string; readonly data: { readonly name: string } }
  | { readonly event: 'scale'; readonly key: string; readonly data: ScaleView };

/**
 * What one watcher has not read yet. Of several changes to one thing only the last is kept, so a slow watcher skips
 * states and never makes us hold more than one of each.
 */
export class Subscription implements AsyncIterable<Change> {
  readonly #pending = new Map<string, Change>();
  readonly #clock: Clock;
  readonly #restMs: number;
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(clock: Clock, restMs: number) {
    this.#clock = clock;
    this.#restMs = restMs;
  }

  push(change: Change): void {
    const key = `${change.event === 'worker-gone' ? 'worker' : change.event}:${change.key}`;
    this.#pending.delete(key);
    this.#pending.set(key, change);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
    while (!this.#closed) {
      for (const [key, change] of this.#pending) {
        this.#pending.delete(key);
        yield change;
      }
      if (this.#pending.size === 0) await this.#woken();
      if (!this.#closed) await this.#rest();
    }
  }

  /** By a change, or the end. */
  async #woken(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(this.#restMs, resolve));
  }
}

/** Several changes of a job come within milliseconds, and eyes need only the last. */
const REST_MS = 100;
/** Watchers are told one after the other, so that a dispatch never has to wait for all of them. */
const TURN_MS = 7;
const TURNS = 15;

/** Everybody who watches. Building a change costs something, so it is only done when somebody does. */
export class Changes {
  readonly #clock: Clock;
  readonly #subscriptions = new Set<Subscription>();
  #turn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  subscribe(): Subscription {
    this.#turn = (this.#turn + 1) % TURNS;
    const subscription = new Subscription(this.#clock, REST_MS + this.#turn * TURN_MS);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    subscription.close();
  }

  publish(build: () => Change): void {
    if (this.#subscriptions.size === 0) return;
    const change = build();
    for (const subscription of this.#subscriptions) subscription.push(change);
  }

  close(): void {
    for (const subscription of [...this.#subscriptions]) this.unsubscribe(subscription);
  }
}
