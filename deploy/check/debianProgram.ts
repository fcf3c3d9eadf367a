import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where Debian's packages put programs, and people their own. */
const DIRECTORIES = ['/usr/bin', '/usr/local/bin'];

/** One at a time: apt refuses a second. Services stay as they are at run level 1. */
const INSTALL = `
install() { RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$1"; }
install "$1" || { apt-get update && install "$1"; }`;

/** A program that tests and checks drive and that no npm package has. Where root runs them, as in CI, apt installs it. */
export class DebianProgram {
  readonly #name: string;
  readonly #package: string;

  constructor(name: string, packageName: string) {
    this.#name = name;
    this.#package = packageName;
  }

  /** Why it can't be had here; null when it can. */
  get obstacle(): string | null {
    const installable = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
    return this.#found() !== undefined || installable
      ? null
      : `there is no ${this.#name} (apt-get install ${this.#package})`;
  }

  /** Where it is, after at most some minutes. */
  async path(): Promise<string> {
    if (this.#found() === undefined) {
      await run('flock', ['/tmp/clusterplex-apt.lock', 'sh', '-c', INSTALL, 'sh', this.#package]);
    }
    const file = this.#found();
    if (file === undefined) throw new Error(`${this.#package} is installed, and there is no ${this.#name}`);
    return file;
  }

  #found(): string | undefined {
    return DIRECTORIES.map((directory) => join(directory, this.#name)).find((file) => existsSync(file));
  }
}
