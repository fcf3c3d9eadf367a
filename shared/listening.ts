import type { Server } from 'node:http';
import { CodedError, systemErrorCode } from './errors.ts';
import { ALL_INTERFACES } from './settings/common.ts';

/**
 * Listens, on IPv4 alone where the machine has no IPv6.
 *
 * @param portSetting the setting that the port comes from
 * @throws CodedError `bad-settings` when host or port can't be had
 */
export async function listenOn(
  host: string,
  listen: (host: string) => Promise<unknown>,
  portSetting = 'LISTENING_PORT',
): Promise<void> {
  try {
    try {
      await listen(host);
    } catch (error) {
      const noIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemErrorCode(error) ?? '');
      if (host !== ALL_INTERFACES || !noIpv6) throw error;
      await listen('0.0.0.0');
    }
  } catch (error) {
    throw refusal(error, host, portSetting);
  }
}

function refusal(error: unknown, host: string, portSetting: string): unknown {
  const wrong = (setting: string, problem: string, hint: string): CodedError =>
    new CodedError('bad-settings', `${setting} is wrong: ${problem}`, hint, { cause: error });
  const port = error instanceof Error && 'port' in error ? `port ${error.port}` : 'the port';
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return wrong(portSetting, `${port} is taken`, `stop what listens there, or set another ${portSetting}`);
    case 'EACCES':
      return wrong(portSetting, `this user may not listen on ${port}`, 'set a port from 1024 on');
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return wrong(
        'LISTENING_HOST',
        `${host} is no address of this machine`,
        'set one of its own, or leave LISTENING_HOST out',
      );
    default:
      return error;
  }
}

/** Where a server listens, as each part prints it: `http://127.0.0.1:3500`. */
export function httpAddress(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return `http://${address}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
