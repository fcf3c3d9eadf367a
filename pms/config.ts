import { commonSettings, orchestratorUrl } from '#shared/settings/common.ts';
import { flag, milliseconds, optionalText, port, type SettingsOf, secret } from '#shared/settings/table.ts';
import { mounts } from '#shared/storage/mounts.ts';
import { traceSettings } from '#shared/tracing/settings.ts';
import { hookSettings } from './hookSettings.ts';

export const relaySettings = {
  ORCHESTRATOR_URL: orchestratorUrl,
  ...commonSettings,
  CLUSTERPLEX_RELAY_TOKEN: secret('Token of relays, in place of CLUSTERPLEX_TOKEN.'),
  RELAY_SOCKET: hookSettings.RELAY_SOCKET,
  RELAY_RECONNECT_MS: hookSettings.RELAY_RECONNECT_MS,
  MOUNTS: mounts(
    'Directories that PMS shares with the workers, comma separated, each `path:ro` or `path:rw`, which workers compare ' +
      'with theirs. Those that do not exist here are left out.',
  ),
  PMS_SERVICE: optionalText('Name by which workers reach this host; takes precedence over PMS_IP.'),
  PMS_IP: optionalText(
    'Address by which workers reach this host. Default: the one address that the Local Relay listens on, else the ' +
      'first that is not loopback.',
  ),
  PMS_PORT: port(32_400, 'Port of PMS, here and in its commands.'),
  LOCAL_RELAY_ENABLED: flag(
    true,
    'Whether callbacks come through the Local Relay; else workers call PMS itself.',
  ),
  LOCAL_RELAY_PORT: port(32_499, 'Port of the Local Relay; 0 lets the system choose.'),
  FORCE_HTTPS: flag(false, 'Without the Local Relay: whether workers call PMS by https.'),
  ORCHESTRATOR_WAIT_MS: milliseconds(
    1_000,
    'How long a new job that may run locally waits for a lost connection to the orchestrator.',
  ),
  QUEUE_TIMEOUT_MS: milliseconds(
    5_000,
    'How long a new job that may not run locally waits for a lost connection to the orchestrator.',
  ),
  ORCHESTRATOR_AWAY_MS: milliseconds(
    60_000,
    'How long a job that may be running waits for a lost connection to the orchestrator; then the relay decides alone.',
  ),
  SEGMENT_WAIT_MS: milliseconds(
    5_000,
    'How long an announcement of segments waits until they are on this host: on NFS they come later than it.',
  ),
  ...traceSettings,
};

export type RelaySettings = SettingsOf<typeof relaySettings>;

export function relayToken(settings: RelaySettings): string | null {
  return settings.CLUSTERPLEX_RELAY_TOKEN ?? settings.CLUSTERPLEX_TOKEN;
}

/** PMS as it stands in its own commands. */
export function pmsOrigin(settings: RelaySettings): string {
  return `http://127.0.0.1:${settings.PMS_PORT}`;
}
