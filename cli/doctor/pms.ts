import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { isLoopback, listeningHost } from '#shared/settings/common.ts';
import { environment } from '#shared/settings/environment.ts';
import { isUnder } from '#shared/storage/mounts.ts';
import { pmsOrigin, type RelaySettings, relayToken } from '../../pms/config.ts';
import { callbackAddress } from '../../pms/relay/callbackAddress.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { hookFindings } from './hook.ts';
import type { Host } from './host.ts';
import { answerOf, pmsProblem, socketProblem } from './reach.ts';
import type { Settings } from './settings.ts';

/** Where PMS may have its settings, unless its environment says so. */
const SUPPORT = [
  '/config/Library/Application Support',
  '/var/lib/plexmediaserver/Library/Application Support',
];
const SUPPORT_VARIABLE = 'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR';
const PREFERENCES = 'Plex Media Server/Preferences.xml';
const SET_DIRECTORY = 'in PMS: Settings ▸ Transcoder ▸ Transcoder temporary directory';

/** Relay, PMS and hook. */
export async function pmsFindings({ relay, hook }: Settings, host: Host): Promise<Finding[]> {
  if (host.pms === null)
    return [skipped('relay, PMS, hook', 'this is no PMS host, as far as one can see (--pms says it is)')];
  if (relay === null) return [skipped('relay, PMS', 'the settings are wrong'), ...hookFindings(hook)];
  return [
    await relayFinding(relay),
    await callbackFinding(relay),
    await serverFinding(relay),
    directoryFinding(relay),
    ...hookFindings(hook),
  ];
}

async function relayFinding({ RELAY_SOCKET: path }: RelaySettings): Promise<Finding> {
  const problem = await socketProblem({ path });
  if (problem === null) return ok('relay', `answers at ${path}`);
  const remedies: Readonly<Record<string, string>> = {
    ENOENT:
      'start it (clusterplex relay) as the user of PMS, with the same RELAY_SOCKET as PMS has in its environment',
    ECONNREFUSED: 'it was killed: start it again (clusterplex relay), and look at its log',
    EACCES: 'PMS, relay and doctor must run as one user, or in one group',
  };
  return failed('relay', `no relay answers at ${path} (${problem})`, remedies[problem] ?? 'look at its log');
}

/** The address that workers call with progress and manifests. */
async function callbackFinding(settings: RelaySettings): Promise<Finding> {
  const check = 'callbacks';
  const { LOCAL_RELAY_ENABLED, LOCAL_RELAY_PORT: port } = settings;
  if (LOCAL_RELAY_ENABLED && port === 0)
    return skipped(check, 'LOCAL_RELAY_PORT is 0: only the relay knows the port');
  const listens = listeningHost(settings.LISTENING_HOST, relayToken(settings) !== null);
  const written = listens.includes(':') ? `[${listens}]` : listens;
  const address = callbackAddress(
    settings,
    LOCAL_RELAY_ENABLED ? new URL(`http://${written}:${port}`) : null,
  );
  const { hostname } = new URL(address);
  // PMS itself answers in a way that Node can't read: that it listens is enough.
  const tcp = { host: hostname.replace(/^\[|\]$/g, ''), port: settings.PMS_PORT };
  const answer = LOCAL_RELAY_ENABLED ? await answerOf(address) : await socketProblem(tcp);
  const setting = settings.PMS_SERVICE === null ? 'PMS_IP' : 'PMS_SERVICE';
  if (typeof answer === 'string') {
    const opened = LOCAL_RELAY_ENABLED
      ? `start the relay, and open port ${port} (LOCAL_RELAY_PORT)`
      : `open port ${settings.PMS_PORT}`;
    return failed(
      check,
      `nobody answers at ${address}, where workers report progress and segments (${answer})`,
      `set ${setting} to an address of this host that workers reach; ${opened}`,
    );
  }
  if (!isLoopback(tcp.host)) return ok(check, `workers call ${address}`);
  return warning(
    check,
    `workers are told to call ${address}, which only those on this machine can`,
    'set PMS_IP to an address of this host that workers reach, and a token (CLUSTERPLEX_TOKEN)',
  );
}

async function serverFinding(settings: RelaySettings): Promise<Finding> {
  const origin = pmsOrigin(settings);
  const problem = await pmsProblem(settings.PMS_PORT);
  if (problem === null) return ok('PMS', `answers at ${origin}`);
  return failed('PMS', `does not answer at ${origin} (${problem})`, 'start it, or set PMS_PORT to its port');
}

/** PMS's default is a directory that no worker has. */
function directoryFinding({ MOUNTS }: RelaySettings): Finding {
  const check = 'transcode directory of PMS';
  const given = environment()[SUPPORT_VARIABLE];
  const written = MOUNTS.filter(({ mode }) => mode === 'rw').map(({ path }) => path);
  for (const file of (given ? [given] : SUPPORT).map((directory) => join(directory, PREFERENCES))) {
    try {
      const directory = temporaryDirectory(readFileSync(file, 'utf8'));
      if (directory === null) {
        return failed(
          check,
          'is PMS’s default, which no worker has',
          `${SET_DIRECTORY}: ${written[0] ?? '/transcode'}`,
        );
      }
      if (written.some((path) => isUnder(path, directory))) return ok(check, `is ${directory}`);
      const remedy = `${SET_DIRECTORY}: one of ${written.join(', ') || 'none yet'}; or add ${directory}:rw to MOUNTS, here and on workers`;
      return failed(check, `is ${directory}, which MOUNTS does not name as rw`, remedy);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') continue;
      return skipped(check, `${file} can't be read: ${systemErrorCode(error) ?? coerceError(error).message}`);
    }
  }
  return skipped(check, `there is no ${PREFERENCES} where PMS keeps it (${SUPPORT_VARIABLE})`);
}

/** What PMS's settings say; null: nothing. */
export function temporaryDirectory(preferences: string): string | null {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' });
  const directory: unknown = parser.parse(preferences)?.Preferences?.TranscoderTempDirectory;
  return typeof directory === 'string' && directory !== '' ? directory : null;
}
