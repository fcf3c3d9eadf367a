/** As many lines say why a transcoder failed; what came before is of other things. */
const LINES = 5;
const LINE_LENGTH = 300;
/** More is kept, so that a secret is seen whole before it is cut off. */
const MOST_LENGTH = 4_000;
/** What every ffmpeg begins with says nothing of why it failed. */
const BANNER =
  /^\s*(?:$|lib(?:av|sw|postproc)\w* +\d|(?:ffmpeg|Plex Transcoder) version |built with |configuration: )/;

/** The end of what a transcoder said on stderr, for people. */
export class LastWords {
  readonly #clean: (line: string) => string;
  #lines: string[] = [];
  #line = '';

  /** @param clean leaves out secrets: an input's address has PMS's token */
  constructor(clean: (line: string) => string) {
    this.#clean = clean;
  }

  add(stderr: Buffer): void {
    const lines = (this.#line + stderr.toString()).split(/[\r\n]+/);
    this.#line = lines.pop()?.slice(0, MOST_LENGTH) ?? '';
    this.#lines = [...this.#lines, ...lines.filter((line) => !BANNER.test(line))].slice(-LINES);
  }

  /** Null when it said nothing. */
  get text(): string | null {
    const lines = [...this.#lines, this.#line].filter((line) => !BANNER.test(line)).slice(-LINES);
    const text = lines.map((line) => this.#clean(line).slice(0, LINE_LENGTH)).join('\n');
    return text === '' ? null : text;
  }
}
