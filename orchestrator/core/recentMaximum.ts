interface Reading {
  readonly at: number;
  readonly value: number;
}

/** The largest of the readings of a while: only those are kept that may still become it. */
export class RecentMaximum {
  #readings: Reading[] = [];

  add(at: number, value: number): void {
    while ((this.#readings.at(-1)?.value ?? Number.POSITIVE_INFINITY) <= value) this.#readings.pop();
    this.#readings.push({ at, value });
  }

  /** Of those not before `since`; 0 when there is none. */
  since(since: number): number {
    const first = this.#readings.findIndex(({ at }) => at >= since);
    this.#readings = first < 0 ? [] : this.#readings.slice(first);
    return this.#readings[0]?.value ?? 0;
  }
}
