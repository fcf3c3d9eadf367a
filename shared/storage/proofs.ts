/** On a mount that caches attributes for 30 s, the next proof is looked for in vain before it is there. */
const RENEW_MS = 20_000;
/** Older ones go: they outlast whatever is cached for less than 100 s. */
const KEPT = 5;

export const PROOF_PATTERN = '^((?:pms|worker)-[0-9a-f-]{36})\\.([0-9]{1,9})$';
const NAME = new RegExp(PROOF_PATTERN);

/** The name of a proof: whose it is, and which of its series. */
export interface ProofName {
  readonly series: string;
  readonly serial: number;
}

export function proofName(name: string): ProofName | null {
  const [, series, serial] = NAME.exec(name) ?? [];
  return series === undefined ? null : { series, serial: Number(serial) };
}

/**
 * The one after it. Who waits for a proof looks for the next one, too, before it is there: as for a segment that PMS is
 * asked for early. A mount that caches what is missing shows itself by that.
 */
export function nextProof(name: string): string {
  const { series, serial } = proofName(name) ?? { series: name, serial: 0 };
  return `${series}.${serial + 1}`;
}

/** The files that a part writes into a directory, one after the other: who sees the last one has the same directory. */
export class ProofSeries {
  readonly #series: string;
  #tried = 0;
  #serial = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;

  /** @param series `pms-` or `worker-`, and a UUID of this process */
  constructor(series: string) {
    this.#series = series;
  }

  /** The last one that is there. */
  get current(): string | null {
    return this.#serial === 0 ? null : `${this.#series}.${this.#serial}`;
  }

  /** What to write now, and what to remove. One that may have been written, or not, is not written again. */
  due(now: number): { readonly write: string | null; readonly remove: string | null } {
    if (now - this.#writtenAt < RENEW_MS) return { write: null, remove: null };
    this.#tried += 1;
    const serial = this.#tried;
    return {
      write: `${this.#series}.${serial}`,
      remove: serial > KEPT ? `${this.#series}.${serial - KEPT}` : null,
    };
  }

  wrote(now: number): void {
    this.#serial = this.#tried;
    this.#writtenAt = now;
  }
}
