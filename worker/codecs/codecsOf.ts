import { transcoderFile, type WorkerSettings, workerName } from '../config.ts';
import { architectureOf } from './architecture.ts';
import { Codecs, type CodecsOptions } from './codecs.ts';
import { LIMITS } from './filling.ts';

/** The codecs of a worker with these settings. */
export function codecsOf({
  settings,
  ...surroundings
}: Omit<CodecsOptions, 'filling' | 'architecture'> & { readonly settings: WorkerSettings }): Codecs {
  const { CODECS: codecs, CODECS_DIR: directory, CODECS_URL: sources, PLEX_ARCH } = settings;
  const architecture = architectureOf(PLEX_ARCH);
  const [worker, transcoder] = [workerName(settings), transcoderFile(settings)];
  const filling =
    codecs === 'off'
      ? null
      : { worker, transcoder, codecs, directory, sources, architecture, limits: LIMITS };
  return new Codecs({ ...surroundings, filling, architecture });
}
