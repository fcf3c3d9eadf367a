import { MAX_MESSAGE_BYTES } from '#shared/protocol/messages.ts';

const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. Looks at each byte once, however small the pieces are that it comes in. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #length = 0;

  /**
   * @returns the lines that are complete now
   * @throws when a line is longer than any message may be
   */
  push(data: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      this.#keep(data.subarray(start, end));
      lines.push(Buffer.concat(this.#parts).toString('utf8'));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    this.#keep(data.subarray(start));
    return lines;
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > MAX_MESSAGE_BYTES) throw new Error(`a line is longer than ${MAX_MESSAGE_BYTES} bytes`);
    if (part.length > 0) this.#parts.push(part);
  }
}
