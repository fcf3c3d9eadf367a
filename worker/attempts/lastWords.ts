import { Redactor } from '#shared/redact.ts';

/** As many lines say why a transcoder failed; what came before is of other things. */
const LINES = 5;
const LINE_LENGTH = 300;

/** An input's address has PMS's token. */
const redactor = new Redactor([]);

/** The end of what a transcoder said on stderr, for people. */
export class LastWords {
  #lines: string[] = [];
  #line = '';

  add(stderr: Buffer): void {
    const lines = (this.#line + stderr.toString()).split(/[\r\n]+/);
    this.#line = lines.pop()?.slice(0, LINE_LENGTH) ?? '';
    this.#lines = [...this.#lines, ...lines.filter((line) => line.trim() !== '')].slice(-LINES);
  }

  /** Null when it said nothing. */
  get text(): string | null {
    const lines = [...this.#lines, this.#line].filter((line) => line.trim() !== '').slice(-LINES);
    const text = lines.map((line) => redactor.redact(line).slice(0, LINE_LENGTH)).join('\n');
    return text === '' ? null : text;
  }
}
