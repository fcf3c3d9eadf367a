import { readFile } from 'node:fs/promises';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import type { SpecifiedGroup } from './spec.ts';

/**
 * The file that says how many workers there should be. Its text is compared, since a ConfigMap is changed by another
 * symlink. What can't be used changes nothing: the last good one counts.
 */
export class SpecFile {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #changed: (groups: ReadonlyMap<string, SpecifiedGroup>) => void;
  #text: string | null = null;
  #problemOfText: string | null = null;
  #problem: string | null = null;
  #isReading = false;

  constructor(path: string, logger: Logger, changed: (groups: ReadonlyMap<string, SpecifiedGroup>) => void) {
    this.#path = path;
    this.#logger = logger;
    this.#changed = changed;
  }

  /** What is wrong with it as it is now; null when nothing. */
  get problem(): string | null {
    return this.#problem;
  }

  async poll(): Promise<void> {
    // A file system that hangs must not gather readers.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const text = await readFile(this.#path, 'utf8');
      if (text !== this.#text) this.#problemOfText = await this.#use(text);
      this.#tell(this.#problemOfText);
    } catch (error) {
      this.#tell(whatIsWrong(error));
    } finally {
      this.#isReading = false;
    }
  }

  /** @returns what is wrong with it */
  async #use(text: string): Promise<string | null> {
    // Loaded by those only who have such a file.
    const { readSpec } = await import('./spec.ts');
    this.#text = text;
    try {
      const groups = readSpec(text);
      this.#logger.info({ path: this.#path, groups: [...groups.keys()] }, 'the scale spec was read');
      this.#changed(groups);
      return null;
    } catch (error) {
      return coerceError(error).message;
    }
  }

  #tell(problem: string | null): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    if (problem === null) return;
    this.#logger.warn(
      { path: this.#path, problem },
      'the scale spec can’t be used: the last good one counts; correct the file, it is read again',
    );
  }
}

function whatIsWrong(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === 'ENOENT') return 'there is no such file';
  return code?.startsWith('E') ? `it can’t be read (${code})` : coerceError(error).message;
}
