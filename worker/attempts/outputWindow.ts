import { OUTPUT_CHUNK_BYTES, OUTPUT_WINDOW_BYTES, type OutputStream } from '#shared/protocol/messages.ts';

export interface OutputChunk {
  /** Bytes of the attempt's stdout and stderr before this one, taken together. */
  readonly offset: number;
  readonly stream: OutputStream;
  readonly data: Buffer;
}

/** What an attempt has written and its hook has not yet acknowledged, in the order in which it was read. */
export class OutputWindow {
  #chunks: OutputChunk[] = [];
  readonly #writtenTo: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  #acknowledged = 0;

  /** Bytes written so far. */
  get written(): Readonly<Record<OutputStream, number>> {
    return this.#writtenTo;
  }

  get isFull(): boolean {
    return this.#written - this.#acknowledged >= OUTPUT_WINDOW_BYTES;
  }

  get unacknowledged(): readonly OutputChunk[] {
    return this.#chunks;
  }

  get #written(): number {
    return this.#writtenTo.stdout + this.#writtenTo.stderr;
  }

  /** Returns the chunks to send. */
  add(stream: OutputStream, data: Buffer): readonly OutputChunk[] {
    const added: OutputChunk[] = [];
    for (let start = 0; start < data.length; start += OUTPUT_CHUNK_BYTES) {
      const part = data.subarray(start, start + OUTPUT_CHUNK_BYTES);
      added.push({ offset: this.#written, stream, data: part });
      this.#writtenTo[stream] += part.length;
    }
    this.#chunks.push(...added);
    return added;
  }

  /** The hook has everything before `offset`. */
  acknowledge(offset: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(offset, this.#written));
    const left = this.#chunks.findIndex((chunk) => chunk.offset + chunk.data.length > this.#acknowledged);
    this.#chunks = left === -1 ? [] : this.#chunks.slice(left);
  }
}
