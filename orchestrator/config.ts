import { commonSettings, drainTimeout } from '#shared/settings/common.ts';
import {
  choice,
  flag,
  integer,
  milliseconds,
  optionalText,
  port,
  type SettingsOf,
  secret,
} from '#shared/settings/table.ts';
import { traceSettings } from '#shared/tracing/settings.ts';
import { type CoreSettings, STRATEGIES } from './core/settings.ts';
import { leaderSettings } from './leader/settings.ts';

/** Images and manifests put a volume there. */
export const DEFAULT_HISTORY = '/var/lib/clusterplex/history.sqlite';

export const orchestratorSettings = {
  LISTENING_PORT: port(3500, 'Port of the HTTP API and the websockets; 0 lets the system choose.'),
  ...commonSettings,
  CLUSTERPLEX_RELAY_TOKEN: secret('Token of relays, in place of CLUSTERPLEX_TOKEN.'),
  CLUSTERPLEX_WORKER_TOKEN: secret('Token of workers, in place of CLUSTERPLEX_TOKEN.'),
  CLUSTERPLEX_ADMIN_TOKEN: secret('Token of API and dashboard, in place of CLUSTERPLEX_TOKEN.'),
  WORKER_SELECTION_STRATEGY: choice(
    STRATEGIES,
    'LOAD_TASKS',
    'How one of the eligible workers is chosen: fewest tasks, least CPU, highest rank, or in turn.',
  ),
  QUEUE_TIMEOUT_MS: milliseconds(5_000, 'How long a playback job waits for a slot.'),
  QUEUE_TIMEOUT_RESUME_MS: milliseconds(
    30_000,
    'How long a playback job of which PMS has a part waits for a slot to go on, at least QUEUE_TIMEOUT_MS.',
  ),
  QUEUE_TIMEOUT_BACKGROUND_MS: milliseconds(
    600_000,
    'How long a background job (optimise, detection, thumbnails) waits for a slot.',
  ),
  WORKER_RECONNECT_MS: milliseconds(
    2_000,
    'How long a worker whose connection closed may take to come back before its jobs get new attempts.',
  ),
  WORKER_SILENCE_MS: milliseconds(
    10_000,
    'How long a worker or relay may say nothing before its connection is closed; they ping three times in it.',
  ),
  RECOVERY_WINDOW_MS: milliseconds(
    3_000,
    'How long after a start jobs that were running wait for their workers to come back.',
  ),
  RELAY_RECONNECT_MS: milliseconds(
    30_000,
    'How long a job whose relay went away goes on before it is cancelled.',
  ),
  EARLY_EXIT_MS: milliseconds(
    5_000,
    'A transcoder that fails sooner than this, without any output, is tried once on another worker.',
  ),
  QUARANTINE_FAILURES: integer(
    3,
    1,
    1_000,
    'After so many of those in a row, which other workers could run, a worker is given nothing for a while.',
  ),
  QUARANTINE_MS: milliseconds(60_000, 'How long that while is.'),
  STALL_MS: milliseconds(
    10_000,
    'How long a transcoder may stand still, or make no progress on a worker that is not ready, before its job moves.',
  ),
  DRAIN_TIMEOUT_MS: drainTimeout,
  HISTORY_SIZE: integer(1_000, 0, 1_000_000, 'How many finished jobs are kept in memory.'),
  HISTORY_PATH: optionalText(
    `SQLite file that keeps finished jobs over a restart. Default: ${DEFAULT_HISTORY}, if its directory is there.`,
  ),
  HISTORY_DAYS: integer(30, 0, 36_500, 'For how long; 0: none are kept over a restart.'),
  HISTORY_MB: integer(100, 1, 1_000_000, 'How large the file may become before the oldest are dropped.'),
  ...leaderSettings,
  SCALE_SPEC: optionalText(
    'YAML or JSON file that says how many workers there should be (docs/operations.md); read again when it changes.',
  ),
  SCALE_SETTLE_MS: milliseconds(
    30_000,
    'How long after a start or a change of leaders the scale makes nothing smaller, at least: workers come back first.',
  ),
  METRICS_PUBLIC: flag(false, 'Whether /metrics answers without a token when there is one.'),
  STREAM_SPLITTING: choice(
    ['OFF', 'ON'],
    'OFF',
    'Accepted for compatibility; ClusterPlex never did it either.',
  ),
  ...traceSettings,
};

export type OrchestratorSettings = SettingsOf<typeof orchestratorSettings>;

/** Who may do what; null means that nobody needs a token for it. */
export interface Tokens {
  readonly relay: string | null;
  readonly worker: string | null;
  readonly admin: string | null;
}

export function tokensOf(settings: OrchestratorSettings): Tokens {
  const shared = settings.CLUSTERPLEX_TOKEN;
  return {
    relay: settings.CLUSTERPLEX_RELAY_TOKEN ?? shared,
    worker: settings.CLUSTERPLEX_WORKER_TOKEN ?? shared,
    admin: settings.CLUSTERPLEX_ADMIN_TOKEN ?? shared,
  };
}

export function coreSettingsOf(settings: OrchestratorSettings): CoreSettings {
  return {
    strategy: settings.WORKER_SELECTION_STRATEGY,
    queueTimeoutMs: {
      playback: settings.QUEUE_TIMEOUT_MS,
      background: settings.QUEUE_TIMEOUT_BACKGROUND_MS,
    },
    resumeTimeoutMs: settings.QUEUE_TIMEOUT_RESUME_MS,
    workerReconnectMs: settings.WORKER_RECONNECT_MS,
    silenceMs: settings.WORKER_SILENCE_MS,
    recoveryWindowMs: settings.RECOVERY_WINDOW_MS,
    relayReconnectMs: settings.RELAY_RECONNECT_MS,
    earlyExitMs: settings.EARLY_EXIT_MS,
    quarantineFailures: settings.QUARANTINE_FAILURES,
    quarantineMs: settings.QUARANTINE_MS,
    stallMs: settings.STALL_MS,
    drainTimeoutMs: settings.DRAIN_TIMEOUT_MS,
    historySize: settings.HISTORY_SIZE,
  };
}
