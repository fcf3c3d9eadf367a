import { readCommand } from '#shared/argv/command.ts';
import { type ByteString, latin1 } from '#shared/bytes.ts';
import { readErrorIn } from '#shared/readError.ts';

/** No line that names an input is longer: a path has at most 4096 bytes. */
const MAX_LINE = 8192;

/** Looks in a transcoder's stderr for what it says of an input that it can't read on. */
export class ReadErrorWatch {
  readonly #inputs: readonly string[];
  #line = '';
  #found: string | null = null;

  constructor(argv: readonly ByteString[]) {
    this.#inputs = readCommand(argv).inputs.map(({ index }) => latin1(argv[index] ?? ''));
  }

  look(stderr: Buffer): void {
    if (this.#found !== null) return;
    const lines = (this.#line + stderr.toString('latin1')).split(/[\r\n]/);
    this.#line = lines.at(-1)?.slice(-MAX_LINE) ?? '';
    for (const line of lines) this.#found ??= readErrorIn(line, this.#inputs);
  }

  /** The cause, or null. */
  get found(): string | null {
    return this.#found;
  }
}
