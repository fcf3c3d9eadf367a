import { type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import type { Redactor } from './redact.ts';

export type { Logger } from 'pino';

/**
 * The one logger: JSON lines on stderr, readable ones on a terminal. Every line passes the redactor as a whole, because
 * tokens hide in URLs, arguments and the texts of errors, where no list of field names would find them.
 */
export function createLogger(options: {
  readonly part: string;
  readonly level: string;
  readonly redactor: Redactor;
}): Logger {
  const { part, level, redactor } = options;
  return pino(
    {
      level,
      base: { part },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => redactor.redact(line) },
    },
    process.stderr.isTTY
      ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname' })
      : pino.destination({ dest: 2, sync: true }),
  );
}
