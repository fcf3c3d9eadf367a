/** Exit codes besides 0; docs/cli.md. */
export const FAILED = 1;
export const BAD_SETTINGS = 2;
export const UNREACHABLE = 69;
export const INTERNAL = 70;

/** What a command could not do: what was wrong, what to do, and the exit code that says which kind it is. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;
  readonly hint: string | null;

  constructor(exitCode: number, message: string, hint: string | null = null) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}
