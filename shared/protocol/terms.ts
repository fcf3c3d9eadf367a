/**
 * A deposed orchestrator knows of it within LEASE_RENEW_DEADLINE_MS (10 s). And below ORCHESTRATOR_AWAY_MS (60 s), so
 * that no job is given up where terms begin anew: elections were switched off, or the Lease was deleted.
 */
export const TERM_MEMORY_MS = 30_000;

/** The terms of leadership that a peer has seen: who leads by an earlier one is not obeyed. */
export class Terms {
  #highest = 0;
  /** When its leader was lost; infinite while it is not. */
  #lostAt = Number.POSITIVE_INFINITY;

  get highest(): number {
    return this.#highest;
  }

  accepts(term: number, now: number): boolean {
    if (term < this.#highest && now - this.#lostAt < TERM_MEMORY_MS) return false;
    this.#highest = term;
    this.#lostAt = Number.POSITIVE_INFINITY;
    return true;
  }

  lost(now: number): void {
    this.#lostAt = now;
  }
}
