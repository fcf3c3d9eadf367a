/** What the Lease says. */
export interface Lease {
  /** Null: it was released. */
  readonly holder: string | null;
  readonly durationMs: number;
  /** How often it has changed hands. */
  readonly transitions: number;
  /** By the holder's wall clock, so only a change of it means something. */
  readonly renewedAt: string;
  /** A write of another version than the last one is refused. */
  readonly version: string;
}

/** What is asked of the API server. Of a write, `version` null creates the Lease. */
export type LeaseCall =
  | { readonly type: 'read' }
  | {
      readonly type: 'write';
      readonly version: string | null;
      readonly holder: string | null;
      readonly transitions: number;
      readonly isTaken: boolean;
    };

/** Its answer: the Lease as it is now, that there is none, that it is of another version, or no usable answer in time. */
export type LeaseAnswer =
  | { readonly type: 'lease'; readonly lease: Lease }
  | { readonly type: 'missing' | 'conflict' | 'failed' };

export interface ElectorSettings {
  /** Unique to this process: whoever finds itself as the holder may go on. */
  readonly identity: string;
  /** How long others wait for a renewal before they take over. */
  readonly durationMs: number;
  /** How long this one goes on without a renewal. Shorter, as clocks need not run at the same rate. */
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Of `retryMs`: not as fast as the API server answers. */
const SOON = 0.1;

/**
 * One candidate's part in the election, as client-go plays it: no clock, no I/O; all times are of one monotonic clock.
 *
 * - *standby*: reads, and writes itself into a Lease that is free, released or has not changed for its whole duration.
 * - *leading*: from a write that succeeded; renews. Left for good, by `deposed`, once the last renewal was *asked for*
 *   `renewDeadlineMs` ago, or another holder is seen.
 * - *releasing*: gives the Lease up, then *over*.
 */
export class Elector {
  readonly #settings: ElectorSettings;
  #mode: 'standby' | 'leading' | 'deposed' | 'releasing' | 'over' = 'standby';
  #observed: Lease | null = null;
  /** Of the Lease, null while there is none. */
  #version: string | null = null;
  /** When that was first seen. */
  #observedAt = 0;
  #hasLooked = false;
  #mustLook = true;
  #highestTransitions = 0;
  #term = 0;
  #leadsUntil = Number.NEGATIVE_INFINITY;
  #askAt: number;
  #asked: { readonly call: LeaseCall; readonly at: number } | null = null;
  #answeredAt: number;

  constructor(settings: ElectorSettings, now: number) {
    this.#settings = settings;
    this.#askAt = now;
    this.#answeredAt = now;
  }

  leads(now: number): boolean {
    return !this.deposed(now) && this.#mode === 'leading';
  }

  /** It has led, and will never again. */
  deposed(now: number): boolean {
    if (this.#mode === 'leading' && now >= this.#leadsUntil) this.#mode = 'deposed';
    return this.#mode === 'deposed';
  }

  /** Nothing is left to ask. */
  get isOver(): boolean {
    return this.#mode === 'over' || this.#mode === 'deposed';
  }

  /** Of its own leadership. */
  get term(): number {
    return this.#term;
  }

  get holder(): string | null {
    return this.#observed?.holder ?? null;
  }

  /** It would notice if the Lease became free. */
  isInTouch(now: number): boolean {
    return this.#hasLooked && now - this.#answeredAt < this.#settings.durationMs;
  }

  /** It has seen another holder renew in time: there is nothing to write. */
  isHeldByAnother(now: number): boolean {
    const { holder = null, durationMs = 0 } = this.#observed ?? {};
    return holder !== null && holder !== this.#settings.identity && now < this.#observedAt + durationMs;
  }

  /** When to call `next` or look at `deposed` again, without an answer in between; null: never. */
  get wakeAt(): number | null {
    if (this.isOver) return null;
    const ask = this.#asked ? Number.POSITIVE_INFINITY : this.#askAt;
    const at = this.#mode === 'leading' ? Math.min(ask, this.#leadsUntil) : ask;
    return Number.isFinite(at) ? at : null;
  }

  /** What to ask now, if anything; `answered` must follow. */
  next(now: number): LeaseCall | null {
    if (this.deposed(now) || this.isOver || this.#asked || now < this.#askAt) return null;
    const call = this.#mustLook ? ({ type: 'read' } as const) : this.#write();
    this.#asked = { call, at: now };
    return call;
  }

  answered(answer: LeaseAnswer, now: number): void {
    const asked = this.#asked;
    this.#asked = null;
    if (!asked || this.deposed(now) || this.isOver) return;
    if (answer.type !== 'failed') this.#answeredAt = now;
    switch (answer.type) {
      case 'lease':
        this.#hasLooked = true;
        this.#observe(answer.lease, now);
        if (asked.call.type === 'read') this.#seen(answer.lease, now);
        else this.#written(answer.lease, asked.at, now);
        break;
      case 'missing':
        this.#hasLooked = true;
        this.#version = null;
        if (this.#mode === 'releasing') this.#mode = 'over';
        // Somebody deleted it: its holder may go on, and has the time to make it anew.
        else if (this.#mode === 'standby' && this.#observed) this.#seen(this.#observed, now);
        else this.#ask(now, 'write');
        break;
      case 'conflict':
        this.#ask(now + this.#settings.retryMs * SOON, 'read');
        break;
      case 'failed':
        // It may have been carried out all the same: then the next write is one of an old version.
        this.#ask(Math.max(now, asked.at + this.#retryMs()), this.#mode === 'standby' ? 'read' : 'write');
        break;
    }
  }

  /** Leads no more, and gives the Lease back if it has it. */
  release(now: number): void {
    const mayHold = this.leads(now) || this.#asked?.call.type === 'write';
    this.#mode = mayHold ? 'releasing' : 'over';
    this.#ask(now, 'write');
  }

  #write(): LeaseCall {
    const { identity } = this.#settings;
    const version = this.#version;
    if (this.#mode === 'releasing')
      return { type: 'write', version, holder: null, transitions: this.#highestTransitions, isTaken: false };
    const isOurs = this.#mode === 'leading' || this.#observed?.holder === identity;
    const transitions = isOurs ? this.#highestTransitions : this.#highestTransitions + 1;
    return { type: 'write', version, holder: identity, transitions, isTaken: !isOurs };
  }

  #observe(lease: Lease, now: number): void {
    const before = this.#observed;
    const isRenewed =
      before?.holder !== lease.holder ||
      before.renewedAt !== lease.renewedAt ||
      before.transitions !== lease.transitions;
    if (isRenewed) this.#observedAt = now;
    this.#observed = lease;
    this.#version = lease.version;
    this.#highestTransitions = Math.max(this.#highestTransitions, lease.transitions);
  }

  /** After a read. */
  #seen({ holder, durationMs }: Lease, now: number): void {
    const isOurs = holder === this.#settings.identity;
    if (this.#mode === 'leading' && !isOurs) this.#mode = 'deposed';
    else if (this.#mode === 'releasing' && !isOurs) this.#mode = 'over';
    else if (isOurs || holder === null) this.#ask(now, 'write');
    else {
      const freeAt = this.#observedAt + durationMs;
      // The last look may have been just before the holder's last renewal; so one is due when that has run out.
      if (now >= freeAt) this.#ask(now, 'write');
      else this.#ask(Math.min(now + this.#retryMs(), freeAt), 'read');
    }
  }

  #written({ holder, transitions }: Lease, askedAt: number, now: number): void {
    if (this.#mode === 'releasing') {
      // Else it is what was on its way before.
      if (holder === null) this.#mode = 'over';
      return;
    }
    // Others count from when they see it, which is later than when it was asked for.
    this.#leadsUntil = askedAt + this.#settings.renewDeadlineMs;
    this.#term = transitions;
    if (now < this.#leadsUntil) this.#mode = 'leading';
    this.#ask(Math.max(now, askedAt + this.#settings.retryMs), 'write');
  }

  #ask(at: number, what: 'read' | 'write'): void {
    this.#askAt = at;
    this.#mustLook = what === 'read';
  }

  /** Candidates don't come all at once, the leader keeps its beat, and who stops has no time. */
  #retryMs(): number {
    const { retryMs, random } = this.#settings;
    if (this.#mode === 'releasing') return retryMs * SOON;
    return this.#mode === 'standby' ? retryMs * (0.5 + random() / 2) : retryMs;
  }
}
