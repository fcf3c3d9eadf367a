import type { Lease, LeaseAnswer, LeaseCall } from '../../../../orchestrator/leader/elector.ts';

/** The API server's part of an election: one Lease, of which only the last version can be written. */
export class LeaseStore {
  lease: Lease | null = null;
  #version = 0;

  carryOut(call: LeaseCall, now: number, durationMs: number): LeaseAnswer {
    if (call.type === 'read') return this.lease ? { type: 'lease', lease: this.lease } : { type: 'missing' };
    if (call.version !== (this.lease?.version ?? null))
      return call.version === null || this.lease ? { type: 'conflict' } : { type: 'missing' };
    const { holder, transitions } = call;
    return { type: 'lease', lease: this.write({ holder, transitions, durationMs, renewedAt: String(now) }) };
  }

  remove(): void {
    this.lease = null;
  }

  /** Somebody writes it, whoever holds it. */
  write(lease: Omit<Lease, 'version'>): Lease {
    this.#version += 1;
    this.lease = { ...lease, version: String(this.#version) };
    return this.lease;
  }
}
