/** How one of the eligible workers is chosen. */
export const STRATEGIES = ['LOAD_TASKS', 'LOAD_CPU', 'LOAD_RANK', 'RR'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** The numbers of the failure table (docs/architecture.md). All times are in milliseconds. */
export interface CoreSettings {
  readonly strategy: Strategy;
  /** How long a job waits for a slot. */
  readonly queueTimeoutMs: { readonly playback: number; readonly background: number };
  /** How long one of which PMS has a part waits for another attempt: its viewer has something to watch meanwhile. */
  readonly resumeTimeoutMs: number;
  /** How long a worker whose connection closed may take to come back with its attempts. */
  readonly workerReconnectMs: number;
  /** How long a connection may say nothing at all. */
  readonly silenceMs: number;
  /** How long after a start jobs that ran before wait for their workers. */
  readonly recoveryWindowMs: number;
  /** How long a job may be without a relay that holds its hook, and an attempt without its job. */
  readonly relayReconnectMs: number;
  /** A transcoder that failed sooner, and without a trace, is tried once more elsewhere. */
  readonly earlyExitMs: number;
  /** After so many of those in a row a worker takes nothing new for a while. */
  readonly quarantineFailures: number;
  readonly quarantineMs: number;
  /** How long playback may go on where an operator drains the worker. */
  readonly drainTimeoutMs: number;
  /** How long a transcoder may stand still, or make no progress on a worker that is not ready. */
  readonly stallMs: number;
  /** Finished jobs that are remembered. */
  readonly historySize: number;
}
