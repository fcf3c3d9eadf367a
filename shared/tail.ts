/** The last bytes of a stream. */
export class Tail {
  readonly #most: number;
  #buffer = Buffer.alloc(0);
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** What it takes of memory. */
  get size(): number {
    return this.#buffer.length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(Math.max(0, this.#length - this.#most), this.#length);
  }

  add(data: Buffer): void {
    const added = data.subarray(-this.#most);
    if (this.#length + added.length > this.#buffer.length) this.#makeRoom(added.length);
    added.copy(this.#buffer, this.#length);
    this.#length += added.length;
  }

  /** Twice what there is, so that every byte is moved once or twice, however small the parts. */
  #makeRoom(more: number): void {
    const kept = this.#buffer.subarray(Math.max(0, this.#length - (this.#most - more)), this.#length);
    const room = Buffer.allocUnsafeSlow(Math.min(2 * this.#most, 2 * (kept.length + more)));
    kept.copy(room);
    this.#buffer = room;
    this.#length = kept.length;
  }
}
