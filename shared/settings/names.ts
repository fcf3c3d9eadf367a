/**
 * Every setting of every part, so that each part can tell a slip of the pen from another part's setting: PMS, hook and
 * relay share one environment. A test compares this list with the tables.
 */
export const KNOWN_SETTINGS: readonly string[] = [
  'CLUSTERPLEX_ADMIN_TOKEN',
  'CLUSTERPLEX_RELAY_TOKEN',
  'CLUSTERPLEX_TOKEN',
  'CLUSTERPLEX_WORKER_TOKEN',
  'EARLY_EXIT_MS',
  'FFMPEG_HWACCEL',
  'FORCE_HTTPS',
  'HISTORY_SIZE',
  'KILL_GRACE_MS',
  'LISTENING_HOST',
  'LISTENING_PORT',
  'LOCAL_RELAY_ENABLED',
  'LOCAL_RELAY_PORT',
  'LOG_LEVEL',
  'METRICS_PUBLIC',
  'MOUNTS',
  'ORCHESTRATOR_URL',
  'ORCHESTRATOR_WAIT_MS',
  'PMS_IP',
  'PMS_PORT',
  'PMS_SERVICE',
  'QUEUE_TIMEOUT_BACKGROUND_MS',
  'QUEUE_TIMEOUT_MS',
  'RECOVERY_WINDOW_MS',
  'RELAY_RECONNECT_MS',
  'RELAY_SOCKET',
  'STAT_CPU_INTERVAL',
  'STAT_CPU_OPS_DURATION',
  'STREAM_SPLITTING',
  'TRANSCODER_LOCAL_NAME',
  'TRANSCODER_NAME',
  'TRANSCODER_PATH',
  'TRANSCODER_VERBOSE',
  'TRANSCODE_EAE_LOCALLY',
  'TRANSCODE_OPERATING_MODE',
  'TRANSCODE_PREVIEWS_LOCALLY',
  'WORKER_NAME',
  'WORKER_RECONNECT_MS',
  'WORKER_SELECTION_STRATEGY',
  'WORKER_SILENCE_MS',
  'WORKER_SLOTS',
];

/** Other software's variables that are a letter off one of ours, and which: images set them without meaning us. */
export const FOREIGN_NAMES: ReadonlyMap<string, string> = new Map([
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['GLOG_LEVEL', 'LOG_LEVEL'],
  ['FORCE_HTTP', 'FORCE_HTTPS'],
]);
