export interface BackoffLimits {
  /** Upper end of the first window, in milliseconds. */
  readonly firstMs: number;
  /** Upper end of the last window, in milliseconds. */
  readonly lastMs: number;
}

/**
 * How long to wait before try number `attempt` (from 0): a random moment in a window that doubles. The whole window is
 * used, from 0, so that a fleet that lost its orchestrator at once does not come back at once.
 *
 * @param random uniform in [0, 1)
 */
export function backoffMs(attempt: number, random: number, limits: BackoffLimits): number {
  const window = Math.min(limits.lastMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return random * window;
}
