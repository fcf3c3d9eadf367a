import type { EventLoop } from './eventLoop.ts';
import type { Random } from './random.ts';

/** Which way is blocked between a peer and the orchestrator. */
export type Blocked = 'none' | 'up' | 'down' | 'both';

/** What lies between one peer and the orchestrator. */
export class Wire {
  blocked: Blocked = 'none';
  /** Milliseconds at most that a message takes. */
  latency = 2;
  /** By how much that is longer for a while. */
  delay = 0;
  connection: Connection | null = null;

  blocks(way: 'up' | 'down'): boolean {
    return this.blocked === way || this.blocked === 'both';
  }
}

/** One direction of one connection: in order, never corrupted, and cut off at any point. */
class Pipe {
  readonly #loop: EventLoop;
  readonly #random: Random;
  readonly #isBlocked: () => boolean;
  readonly #latency: () => number;
  #lastAt = 0;
  #waiting: (() => void)[] = [];
  broken = false;

  constructor(loop: EventLoop, random: Random, isBlocked: () => boolean, latency: () => number) {
    this.#loop = loop;
    this.#random = random;
    this.#isBlocked = isBlocked;
    this.#latency = latency;
  }

  push(deliver: () => void): void {
    this.#lastAt = Math.max(this.#lastAt, this.#loop.now + this.#random.next() * this.#latency());
    this.#loop.at(this.#lastAt, () => {
      if (this.broken) return;
      if (this.#isBlocked() || this.#waiting.length > 0) this.#waiting.push(deliver);
      else deliver();
    });
  }

  /** TCP sends again what got no answer. */
  unblocked(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const deliver of waiting) this.push(deliver);
  }
}

/** A connection as both its ends see it. */
export class Connection {
  readonly up: Pipe;
  readonly down: Pipe;
  serverOpen = true;
  clientOpen = true;

  constructor(loop: EventLoop, random: Random, wire: Wire) {
    this.up = new Pipe(
      loop,
      random,
      () => wire.blocks('up'),
      () => wire.latency + wire.delay,
    );
    this.down = new Pipe(
      loop,
      random,
      () => wire.blocks('down'),
      () => wire.latency + wire.delay,
    );
  }
}
