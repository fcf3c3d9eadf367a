// `node health.js URL`: whether it answers, for images without curl. Exit code 0 or 1, and the reason on stderr.
import { coerceError } from '#shared/errors.ts';

const PATIENCE_MS = 5_000;

const [, , url = ''] = process.argv;
try {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!ok) throw new Error(`${url} says ${status}`);
} catch (error) {
  const failure = coerceError(error);
  process.stderr.write(`${coerceError(failure.cause ?? failure).message}\n`);
  process.exitCode = 1;
}
