import { LOG_LEVELS } from '#shared/settings/common.ts';
import {
  choice,
  milliseconds,
  optionalText,
  port,
  type Setting,
  type SettingsOf,
  text,
} from '#shared/settings/table.ts';

const PROBE_PORT = 3502;

const commonSettings = {
  LISTENING_HOST: optionalText('Address to listen on. Default: all interfaces. Nothing secret is served.'),
  LOG_LEVEL: choice(LOG_LEVELS, 'info', 'Lowest level that is logged.'),
  DFS_PATH: text(
    '/mnt/clusterplex/dfs',
    'Where the files are mounted. Containers get its parent, so that they see what is mounted there later.',
  ),
  DFS_PROBE_MS: milliseconds(1_000, 'How often servers and mount are looked at.'),
};

export const probeSettings = {
  LISTENING_PORT: port(PROBE_PORT, 'Port of /health, /ready and /metrics; 0 lets the system choose.'),
  ...commonSettings,
  DFS_NFS_PORT: port(2049, 'Port of the NFS server on this machine.'),
};

export const mountSettings = {
  LISTENING_PORT: port(3503, 'Port of /health, /ready and /metrics; 0 lets the system choose.'),
  ...commonSettings,
  DFS_SERVERS: addresses(
    'The storage nodes, the one to begin with first: addresses, or names of which every address counts, as those of a ' +
      'headless Service. Names in full, since no search domain is tried.',
  ),
  DFS_EXPORT: text('/mnt/clusterplex/dfs', 'What they export.'),
  DFS_OPTIONS: text(
    'vers=4.2,ro,softerr,timeo=50,retrans=2,noresvport,nosharecache',
    'Options of the mount.',
  ),
  DFS_PROBE_PORT: port(PROBE_PORT, 'Where dfs-probe listens on them.'),
  DFS_LOST_MS: milliseconds(
    3_000,
    'How long what is mounted may not answer before another server that is ready is mounted in its place.',
  ),
};

export type ProbeSettings = SettingsOf<typeof probeSettings>;
export type MountSettings = SettingsOf<typeof mountSettings>;

function addresses(doc: string): Setting<readonly string[]> {
  return {
    ...{ form: 'address or name, …', default: null, doc, secret: false, absent: [] },
    parse(given) {
      const list = given.split(',').map((entry) => entry.trim());
      const wrong = list.find((entry) => !/^[\w.:-]+$/.test(entry));
      if (wrong !== undefined) throw new Error(`not a list of addresses; "${wrong}" is none`);
      return list;
    },
  };
}
