import type { EventLoop } from './eventLoop.ts';
import { Standstill } from './standstill.ts';

/** Sums of fractions are not exact. */
const ROUNDING_MS = 0.001;

/** A machine: it can be suspended with all that runs on it, and its storage can hang. */
export class SimMachine {
  readonly loop: EventLoop;
  readonly suspension: Standstill;
  readonly storage: Standstill;
  #clockStoodMs = 0;

  constructor(loop: EventLoop) {
    this.loop = loop;
    this.suspension = new Standstill(loop);
    this.storage = new Standstill(loop);
  }

  /** Monotonic time. */
  now(): number {
    return this.loop.now - this.#clockStoodMs;
  }

  /** @param clock whether monotonic time goes on meanwhile, as it does for a stopped container and for some hypervisors */
  suspend(ms: number, clock: 'goes-on' | 'stands'): void {
    if (this.suspension.lasts) return;
    if (clock === 'stands') this.#clockStoodMs += ms;
    this.suspension.begin(ms);
  }

  /** Calls after so much of the machine's own time. */
  after(ms: number, call: () => void): void {
    const due = this.now() + ms;
    const fire = (): void => {
      if (this.suspension.holds('timer', fire)) return;
      const early = due - this.now();
      if (early > ROUNDING_MS) this.loop.at(this.loop.now + early, fire);
      else call();
    };
    this.loop.at(this.loop.now + ms, fire);
  }
}
