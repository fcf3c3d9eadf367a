import type { ParseArgsOptionDescriptor } from 'node:util';
import { adminToken, commandLine } from './config.ts';
import { BAD_SETTINGS, Failure } from './failure.ts';
import { Orchestrator } from './orchestrator.ts';
import type { Output } from './output.ts';

export interface Option extends ParseArgsOptionDescriptor {
  readonly help: string;
}

/** One word after `clusterplex`. */
export interface Command {
  readonly name: string;
  /** What follows the name: `NAME`, `[show | set | burst]`. */
  readonly takes?: string;
  readonly summary: string;
  readonly options?: Readonly<Record<string, Option>>;
  readonly examples: readonly string[];
  /** @returns the exit code, if it is not 0 */
  run(call: Call): Promise<number | undefined> | Promise<void>;
}

export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'for programs: what the orchestrator said, as JSON' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
};

/** What was asked for. */
export class Call {
  readonly command: Command;
  readonly out: Output;
  readonly json: boolean;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #words: readonly string[];
  #orchestrator: Orchestrator | null = null;

  constructor(
    command: Command,
    out: Output,
    values: Readonly<Record<string, unknown>>,
    words: readonly string[],
  ) {
    this.command = command;
    this.out = out;
    this.json = values['json'] === true;
    this.#values = values;
    this.#words = words;
  }

  get orchestrator(): Orchestrator {
    const settings = commandLine();
    this.#orchestrator ??= new Orchestrator(settings.ORCHESTRATOR_URL, adminToken(settings));
    return this.#orchestrator;
  }

  has(option: string): boolean {
    return this.#values[option] === true;
  }

  text(option: string): string | undefined {
    const value = this.#values[option];
    return typeof value === 'string' ? value : undefined;
  }

  /** Those of the words after the command that may be there, at most so many. */
  words(most: number): readonly string[] {
    const [surplus] = this.#words.slice(most);
    if (surplus !== undefined) throw this.wrong(`${JSON.stringify(surplus)} is one word too many`);
    return this.#words;
  }

  /** The one word that must be there. */
  word(what: string): string {
    const [word] = this.words(1);
    if (word === undefined) throw this.wrong(`${what} is missing`);
    return word;
  }

  wrong(problem: string): Failure {
    const { name } = this.command;
    return new Failure(BAD_SETTINGS, `clusterplex ${name}: ${problem}`, `see clusterplex ${name} --help`);
  }

  /** A number from 0 on, as it was written. */
  count(text: string | undefined, what: string, isWhole = true): number | undefined {
    if (text === undefined) return undefined;
    const read = Number(text);
    if (
      text.trim() === '' ||
      !(read >= 0 && (isWhole ? Number.isSafeInteger(read) : Number.isFinite(read)))
    ) {
      throw this.wrong(`${what} is wrong: ${JSON.stringify(text)} is not a ${isWhole ? 'whole ' : ''}number`);
    }
    return read;
  }
}
