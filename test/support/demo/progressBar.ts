const WIDTH = 30;
const STEP_PERCENT = 10;

/** One line that is drawn over and over on a terminal, and a line every ten percent elsewhere. */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream;
  #last = -1;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** @param percent 0 to 100 */
  show(percent: number, rest: string): void {
    const step = Math.floor(percent / STEP_PERCENT);
    if (!this.#out.isTTY && step === this.#last) return;
    this.#last = step;
    const full = Math.round((percent / 100) * WIDTH);
    const line = `  ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${percent.toFixed(0).padStart(3)} %  ${rest}`;
    this.#out.write(this.#out.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  }

  end(): void {
    if (this.#out.isTTY) this.#out.write('\n');
  }
}
