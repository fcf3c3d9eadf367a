import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MARKER } from '#shared/hookWrapper.ts';
import { environment } from '#shared/settings/environment.ts';
import { hookSettings } from '../../pms/hookSettings.ts';

/** Settings that only one of them has. */
const OF_PMS = ['RELAY_SOCKET', 'TRANSCODE_OPERATING_MODE', 'TRANSCODER_LOCAL_NAME', 'LOCAL_RELAY_PORT'];
const OF_WORKER = ['WORKER_NAME', 'WORKER_SLOTS', 'PATH_MAP', 'CODECS_DIR', 'CODECS_URL', 'TRANSCODER_NAME'];

/** What this host is: by which sign it is known for it, null when by none. */
export interface Host {
  readonly pms: string | null;
  readonly worker: string | null;
}

export function hostOf(given: { readonly pms: boolean; readonly worker: boolean }): Host {
  return {
    pms: given.pms ? '--pms' : (set(OF_PMS) ?? relayHere() ?? hookHere()),
    worker: given.worker ? '--worker' : set(OF_WORKER),
  };
}

function set(names: readonly string[]): string | null {
  const env = environment();
  const name = names.find((each) => env[each] || env[`${each}_FILE`]);
  return name === undefined ? null : `${name} is set`;
}

function relayHere(): string | null {
  const path = hookSettings.RELAY_SOCKET.absent;
  return existsSync(path) ? `there is ${path}` : null;
}

function hookHere(): string | null {
  const path = join(
    environment()['TRANSCODER_PATH'] || hookSettings.TRANSCODER_PATH.absent,
    'Plex Transcoder',
  );
  try {
    return readFileSync(path).subarray(0, 4096).includes(MARKER) ? `${path} is the hook` : null;
  } catch {
    return null;
  }
}
