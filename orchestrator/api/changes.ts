import type { JobView, ScaleView, WorkerSummary } from '#shared/api/schemas.ts';

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
  #wake: (() => void) | null = null;
  #closed = false;

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
      if (this.#closed || this.#pending.size > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

/** Everybody who watches. Building a change costs something, so it is only done when somebody does. */
export class Changes {
  readonly #subscriptions = new Set<Subscription>();

  subscribe(): Subscription {
    const subscription = new Subscription();
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
