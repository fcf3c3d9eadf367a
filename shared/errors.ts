/**
 * One error shape, everywhere: what went wrong, as a code for programs and a message for people, and what to do about it.
 * Every code is documented in docs/configuration.md ("Errors").
 */
export const ERROR_CODES = [
  'bad-settings',
  'bad-request',
  'unauthorized',
  'forbidden',
  'not-found',
  'conflict',
  'not-leader',
  'bad-message',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, hint: string | null = null, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** Anything can be thrown; everything that handles a failure wants an Error. */
export function coerceError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The `code` of a failed system call (`ENOENT`), or null when it was something else. */
export function systemErrorCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || thrown instanceof CodedError || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}

/** Fails when the program contradicts itself. The `id` leads from a user's report to the line. */
export function invariant(condition: unknown, id: string): asserts condition {
  if (!condition) throw new CodedError('internal', `invariant broken: ${id}`);
}

export function assertNever(value: never): never {
  throw new CodedError('internal', `unexpected case: ${JSON.stringify(value)}`);
}
