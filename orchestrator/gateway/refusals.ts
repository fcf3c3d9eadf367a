import type { PeersView } from '#shared/api/peers.ts';
import type { Clock } from '#shared/clock.ts';

/** Who is refused tries again every 10 s: one that is silent for longer has been mended, or has gone. */
const KEPT_MS = 30_000;
/** Whoever reaches the port can be refused, so there is an end to what is kept. */
const MAX_KEPT = 20;

export type RefusalReason = PeersView['refused'][number]['reason'];

export interface Refusal {
  readonly role: 'relay' | 'worker';
  readonly address: string;
  readonly reason: RefusalReason;
  readonly times: number;
  /** When it tried last, by the clock. */
  readonly at: number;
}

/** Relays and workers that were not let in lately: they can't say themselves why they are not there. */
export class Refusals {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #byPeer = new Map<string, Refusal>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** @returns whether that is news */
  add(peer: Pick<Refusal, 'role' | 'address' | 'reason'>): boolean {
    const key = `${peer.role} ${peer.address} ${peer.reason}`;
    const before = this.#byPeer.get(key);
    const isNews = !before || !this.#isRecent(before);
    this.#byPeer.delete(key);
    this.#byPeer.set(key, { ...peer, times: isNews ? 1 : before.times + 1, at: this.#clock.now() });
    for (const oldest of this.#byPeer.keys()) {
      if (this.#byPeer.size <= MAX_KEPT) break;
      this.#byPeer.delete(oldest);
    }
    return isNews;
  }

  /** One from there is in: what there was is mended, or comes again. */
  forget(peer: Pick<Refusal, 'role' | 'address'>): void {
    for (const [key, { role, address }] of this.#byPeer) {
      if (role === peer.role && address === peer.address) this.#byPeer.delete(key);
    }
  }

  recent(): Refusal[] {
    return [...this.#byPeer.values()].filter((refusal) => this.#isRecent(refusal));
  }

  #isRecent({ at }: Refusal): boolean {
    return this.#clock.now() - at <= KEPT_MS;
  }
}
