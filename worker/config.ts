import { hostname } from 'node:os';
import { ADAPTATIONS, type Adaptation } from '#shared/capabilities.ts';
import { commonSettings, drainTimeout, orchestratorUrl } from '#shared/settings/common.ts';
import {
  choice,
  integer,
  milliseconds,
  optionalText,
  port,
  type SettingsOf,
  secret,
  text,
} from '#shared/settings/table.ts';
import { mounts } from '#shared/storage/mounts.ts';
import { traceSettings } from '#shared/tracing/settings.ts';
import { isHwaccel } from './adapt/hwaccel.ts';
import { pathMap } from './adapt/pathMap.ts';
import { codecSettings } from './codecs/settings.ts';
import { eaeSettings } from './eae/settings.ts';

export const workerSettings = {
  ORCHESTRATOR_URL: orchestratorUrl,
  LISTENING_PORT: port(3501, 'Port of /health, /ready and /metrics; 0 lets the system choose.'),
  ...commonSettings,
  CLUSTERPLEX_WORKER_TOKEN: secret('Token of workers, in place of CLUSTERPLEX_TOKEN.'),
  WORKER_NAME: optionalText('What this worker is called, unlike any other. Default: the host name.'),
  NODE_NAME: optionalText(
    'What the machine is called that this worker runs on: in Kubernetes `spec.nodeName`. Default: the host name.',
  ),
  WORKER_GROUP: text('default', 'Which workers this one is scaled with: a group of SCALE_SPEC.'),
  WORKER_SLOTS: integer(
    0,
    0,
    10_000,
    'How many transcodes at once; 0 derives it from the encoder sessions of the GPUs, or else from the CPU cores.',
  ),
  MOUNTS: mounts(
    'Directories that jobs may use, comma separated, each `path:ro` or `path:rw`. Default: `/transcode:rw` and ' +
      'whichever of `/mnt/media`, `/mnt/streaming-media`, `/mnt/dfs` and `/data` exist, read only.',
  ),
  PATH_MAP: pathMap(
    'Where this worker has what PMS has elsewhere, comma separated, each `PMS path=path here`. MOUNTS are paths here.',
  ),
  TRANSCODER_PATH: text('/usr/lib/plexmediaserver/', 'Directory of the transcoder.'),
  TRANSCODER_NAME: text(
    'Plex Transcoder',
    'File name of the transcoder: the only program that jobs run. Where it is the hook, on the host of PMS, the original behind it runs.',
  ),
  ...codecSettings,
  ...eaeSettings,
  KILL_GRACE_MS: milliseconds(5_000, 'How long a transcoder may take to end before SIGKILL.'),
  DRAIN_TIMEOUT_MS: drainTimeout,
  FFMPEG_HWACCEL: text('', 'Value for `-hwaccel`, in place of what PMS wrote or before its first option.'),
  GPU_ENCODER_SESSIONS: integer(
    0,
    0,
    1_000,
    'How many encoder sessions each GPU has; 0: as many as its driver is known to give (GeForce: 3, 5 or 8).',
  ),
  HARDWARE_ADAPTATION: choice(
    ADAPTATIONS,
    'translate',
    '`off`: commands run as PMS wrote them. `translate`: those that PMS wrote for hardware are moved to this ' +
      "worker's, or to its CPU. `accelerate`: software commands are moved to hardware, too, if PMS has a Plex Pass. " +
      'With FFMPEG_HWACCEL it is `off`.',
  ),
  STAT_CPU_INTERVAL: milliseconds(2_000, 'How often the load is measured and reported.'),
  STAT_CPU_OPS_DURATION: milliseconds(1_000, 'How long the benchmark for LOAD_RANK runs at the start.'),
  ...traceSettings,
};

export type WorkerSettings = SettingsOf<typeof workerSettings>;

export function workerName(settings: WorkerSettings): string {
  return settings.WORKER_NAME ?? hostname();
}

export function nodeName(settings: WorkerSettings): string {
  return settings.NODE_NAME ?? hostname();
}

/** FFMPEG_HWACCEL takes the matter out of our hands. */
export function adaptationOf(settings: WorkerSettings): Adaptation {
  return isHwaccel(settings.FFMPEG_HWACCEL) ? 'off' : settings.HARDWARE_ADAPTATION;
}

export function transcoderFile(settings: WorkerSettings): string {
  const directory = settings.TRANSCODER_PATH.replace(/\/*$/, '/');
  return directory + settings.TRANSCODER_NAME;
}
