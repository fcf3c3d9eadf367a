/**
 * What a transcoder gets of PMS's environment. Everything else stays on the PMS host: it would be wrong on another
 * machine (paths, drivers, library versions), or is none of the worker's business (secrets).
 */
export const PASSED_VARIABLES: readonly string[] = [
  'X_PLEX_TOKEN',
  'XDG_DATA_HOME',
  'LANG',
  'LANGUAGE',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'OCL_ICD_VENDORS',
  'PLEX_MEDIA_SERVER_HOME',
];

/** What a transcoder gets of the worker's own environment, because it describes the worker's machine. */
export const WORKER_VARIABLES: readonly string[] = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'PLEX_ARCH',
  'PLEX_MEDIA_SERVER_INFO_MODEL',
  'FFMPEG_EXTERNAL_LIBS',
  'LIBVA_DRIVERS_PATH',
  'LIBVA_DRIVER_NAME',
  'LD_LIBRARY_PATH',
  'EAE_ROOT',
  'XDG_CACHE_HOME',
  'NVIDIA_VISIBLE_DEVICES',
  'NVIDIA_DRIVER_CAPABILITIES',
  'CUDA_VISIBLE_DEVICES',
];
