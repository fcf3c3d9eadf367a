import { isIPv4 } from 'node:net';
import { choice, httpUrl, milliseconds, optionalText, secret } from './table.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export const orchestratorUrl = httpUrl('http://localhost:3500', 'Address of the orchestrator.');

/** Rows that every long-lived part has. */
export const commonSettings = {
  CLUSTERPLEX_TOKEN: secret(
    'Shared secret of all parts. Without any token the orchestrator serves loopback only.',
  ),
  LISTENING_HOST: optionalText(
    'Address to listen on. Default: all interfaces when a token is set, loopback when none is.',
  ),
  LOG_LEVEL: choice(LOG_LEVELS, 'info', 'Lowest level that is logged.'),
};

export const drainTimeout = milliseconds(
  600_000,
  'How long playback may go on where a worker is drained or told to stop; then it moves. Background jobs move at once.',
);

export const LOOPBACK = '127.0.0.1';
/** All interfaces, IPv6 and IPv4. */
export const ALL_INTERFACES = '::';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Where a part listens: openly only when a token protects it. */
export function listeningHost(given: string | null, hasToken: boolean): string {
  return given ?? (hasToken ? ALL_INTERFACES : LOOPBACK);
}
