import { networkInterfaces } from 'node:os';
import { LOOPBACK } from '#shared/settings/common.ts';
import type { RelaySettings } from '../config.ts';

/** Addresses that stand for all of this host's. */
const ALL = ['[::]', '0.0.0.0'];

/**
 * What workers call in place of PMS's loopback address: the Local Relay, or without it PMS itself.
 *
 * @param relay where the Local Relay listens; null when it is off
 */
export function callbackAddress(settings: RelaySettings, relay: URL | null): string {
  const given = settings.PMS_SERVICE ?? settings.PMS_IP;
  const everywhere = relay === null || ALL.includes(relay.hostname);
  const host = given ?? (everywhere ? (ownAddress() ?? LOOPBACK) : relay.hostname);
  const written = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  if (relay) return `http://${written}:${relay.port}`;
  return `${settings.FORCE_HTTPS ? 'https' : 'http'}://${written}:${settings.PMS_PORT}`;
}

/** What a transcoder on this host calls. */
export function localAddress({ hostname, port, origin }: URL): string {
  return ALL.includes(hostname) ? `http://${LOOPBACK}:${port}` : origin;
}

function ownAddress(): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? null;
}
