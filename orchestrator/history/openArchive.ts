import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { DEFAULT_HISTORY, type OrchestratorSettings } from '../config.ts';
import { type Archive, ArchiveThread } from './archive.ts';

/** @returns null when finished jobs are to be kept in memory only */
export function openArchive(settings: OrchestratorSettings, clock: Clock, logger: Logger): Archive | null {
  const { HISTORY_PATH: given, HISTORY_DAYS: days, HISTORY_MB: megabytes } = settings;
  if (days === 0) return null;
  if (given === null && !isWritable(dirname(DEFAULT_HISTORY))) {
    logger.info('finished jobs are kept in memory only: set HISTORY_PATH to keep them over a restart');
    return null;
  }
  const path = given ?? DEFAULT_HISTORY;
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
