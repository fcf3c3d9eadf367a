import { dirname } from 'node:path';
import type { Environment } from '#shared/settings/read.ts';
import { ownEnv } from '../adapt/env.ts';
import { architectureOf } from '../codecs/architecture.ts';
import { transcoderFile, type WorkerSettings, workerName } from '../config.ts';
import { Eae, type EaeOptions } from './eae.ts';
import { LIMITS } from './installation.ts';

type Surroundings = Omit<EaeOptions, 'installation' | 'encoderEnv' | 'env'>;

/** EasyAudioEncoder of a worker with these settings. */
export function eaeOf({
  settings,
  env,
  ...surroundings
}: Surroundings & { readonly settings: WorkerSettings; readonly env: Environment }): Eae {
  const { EAE_SUPPORT, EAE_URL: url, EAE_VERSION_NUMBER: version, CODECS_DIR: directory } = settings;
  const { build } = architectureOf(settings.PLEX_ARCH);
  const transcoderDirectory = dirname(transcoderFile(settings));
  const worker = workerName(settings);
  const installation = EAE_SUPPORT
    ? { worker, directory, url, build, version, transcoderDirectory, limits: LIMITS }
    : null;
  return new Eae({ ...surroundings, installation, env, encoderEnv: ownEnv(env) });
}
