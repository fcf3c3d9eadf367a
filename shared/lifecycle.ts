import { coerceError } from './errors.ts';
import type { Logger } from './logger.ts';

/** How long a stopping process may take before it is ended the hard way, beyond what its part waits for. */
const EXIT_DEADLINE_MS = 30_000;

/** Kept short: process.exit() itself hangs while a hung mount holds libuv's threads, and only SIGKILL gets past that. */
const HARD_EXIT_MS = 1_000;

/**
 * Ends the process in good order on SIGTERM or SIGINT: runs `stop` once, then exits with 0, or with 70 when stopping
 * failed. A second signal does not wait any longer.
 *
 * @param patienceMs what `stop` may wait for others
 * @param ended resolves when it has to end by itself, with its exit code
 */
export function stopOnSignals(
  stop: () => Promise<void>,
  patienceMs: number,
  logger: Logger,
  ended?: Promise<number>,
): void {
  let stopping = false;
  const end = (code: number): void => {
    stopping = true;
    setTimeout(() => exitNow(70), patienceMs + EXIT_DEADLINE_MS).unref();
    stop().then(
      () => exitNow(code),
      (error: unknown) => {
        logger.error({ err: coerceError(error) }, 'stopping failed');
        exitNow(70);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      exitNow(70);
      return;
    }
    logger.info({ signal }, 'stopping');
    end(0);
  };
  void ended?.then((exitCode) => {
    if (stopping) return;
    logger.info({ exitCode }, 'stopping by itself');
    end(exitCode);
  });
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

function exitNow(code: number): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), HARD_EXIT_MS).unref();
  process.exit(code);
}
