import { readFileSync } from 'node:fs';
import { CodedError, coerceError } from './errors.ts';
import { stopOnSignals } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { Redactor } from './redact.ts';
import { environment } from './settings/environment.ts';
import { helpText } from './settings/help.ts';
import { lookalikes, readSettings, secretsOf } from './settings/read.ts';
import type { Setting, SettingsOf, SettingsTable } from './settings/table.ts';

/** Exit codes of the long-lived parts, besides 0. */
const BAD_SETTINGS = 2;
const INTERNAL = 70;

export interface Part<T extends SettingsTable & { LOG_LEVEL: Setting<string> }> {
  readonly name: string;
  /** The first line of `--help`. */
  readonly purpose: string;
  readonly settings: T;
  /** Starts serving and resolves with what to print (`listening …`) and how to stop. */
  start(settings: SettingsOf<T>, logger: Logger): Promise<Started>;
}

export interface Started {
  readonly listening: string;
  /** How long stopping may wait for what still runs, in milliseconds. */
  readonly patienceMs?: number;
  stop(): Promise<void>;
  /** Resolves when it has to stop by itself, with the exit code that says why. */
  readonly ended?: Promise<number>;
}

/** Runs one of the long-lived parts as a process. The only reader of the process's environment. */
export async function runPart<T extends SettingsTable & { LOG_LEVEL: Setting<string> }>(
  part: Part<T>,
): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(helpText(part.purpose, part.settings));
    return;
  }
  const [argument] = process.argv.slice(2);
  if (argument !== undefined) {
    refuse(`unknown argument ${argument}: settings are environment variables, see --help`);
  }
  let settings: SettingsOf<T>;
  try {
    settings = readSettings(part.settings, environment(), (path) => readFileSync(path, 'utf8'));
  } catch (error) {
    refuse(describeFailure(error));
  }
  const logger = createLogger({
    part: part.name,
    level: String(settings.LOG_LEVEL),
    redactor: new Redactor(secretsOf(part.settings, settings)),
  });
  for (const doubt of lookalikes(environment())) logger.warn(doubt);
  try {
    const { listening, patienceMs = 0, stop, ended } = await part.start(settings, logger);
    stopOnSignals(stop, patienceMs, logger, ended);
    process.stdout.write(`listening ${listening}\n`);
  } catch (error) {
    // Some settings prove wrong only when they are used: a port that is taken, say.
    if (error instanceof CodedError && error.code === 'bad-settings') refuse(describeFailure(error));
    logger.fatal({ err: coerceError(error) }, 'could not start');
    process.exit(INTERNAL);
  }
}

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(BAD_SETTINGS);
}

function describeFailure(error: unknown): string {
  if (error instanceof CodedError && error.hint) return `${error.message}\n(${error.hint})`;
  return coerceError(error).message;
}
