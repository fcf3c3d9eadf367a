import type { Server } from 'node:http';
import { systemErrorCode } from './errors.ts';
import { ALL_INTERFACES } from './settings/common.ts';

/** Listens, on IPv4 alone where the machine has no IPv6. */
export async function listenOn(host: string, listen: (host: string) => Promise<unknown>): Promise<void> {
  try {
    await listen(host);
  } catch (error) {
    const noIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemErrorCode(error) ?? '');
    if (host !== ALL_INTERFACES || !noIpv6) throw error;
    await listen('0.0.0.0');
  }
}

/** Where a server listens, as each part prints it: `http://127.0.0.1:3500`. */
export function httpAddress(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return `http://${address}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
