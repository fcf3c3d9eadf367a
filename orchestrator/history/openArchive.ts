import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { DEFAULT_HISTORY, type OrchestratorSettings } from '../config.ts';
import { type Archive, ArchiveThread } from './archive.ts';

/** @returns null when nothing outlives the process */
export function historyPath({ HISTORY_PATH: given, HISTORY_DAYS }: OrchestratorSettings): string | null {
  if (HISTORY_DAYS === 0) return null;
  return given ?? (isWritable(dirname(DEFAULT_HISTORY)) ? DEFAULT_HISTORY : null);
}

/** @returns null when finished jobs are to be kept in memory only */
export function openArchive(settings: OrchestratorSettings, clock: Clock, logger: Logger): Archive | null {
  const { HISTORY_DAYS: days, HISTORY_MB: megabytes } = settings;
  const path = historyPath(settings);
  if (path === null) {
    if (days > 0) {
      logger.info('finished jobs are kept in memory only: set HISTORY_PATH to keep them over a restart');
    }
    return null;
  }
  logger.info({ path, days, megabytes }, 'finished jobs are kept over a restart');
  return new ArchiveThread({ path, days, megabytes }, clock, logger);
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
