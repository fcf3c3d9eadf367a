import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DFS } from './storageNode.ts';

/** What reading on got: what the film says, or an error. */
export interface Read {
  readonly said: string;
}

/** A film that a program has open, as a transcoder does. */
export class OpenFilm {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  static async in(enter: readonly string[], film: string): Promise<OpenFilm> {
    const script =
      `exec 3< ${DFS}/${film}.mkv; echo open; read -r _; ` +
      'LC_ALL=C dd bs=4096 count=1 skip=9 iflag=direct status=none <&3 2>&1 | head -c 200 | tr "\\n" " "; echo';
    const [file = '', ...args] = [...enter, '/bin/sh', '-c', script];
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { value } = await lines.next();
    if (value !== 'open') throw new Error(`${film} can't be opened`);
    return new OpenFilm(child, lines);
  }

  /** Reads on, from the server. */
  async read(): Promise<Read> {
    this.#child.stdin?.write('\n');
    const { value } = await this.#lines.next();
    const text = String(value).trim();
    // It says nothing but its name, in a row.
    return { said: /(film\d)\1/.exec(text)?.[1] ?? text };
  }
}
