import type { IncomingHttpHeaders } from 'node:http';
import { CodedError } from '#shared/errors.ts';
import { isLoopback } from '#shared/settings/common.ts';

/**
 * A browser on the operator's machine asks for whatever page is open in it, and says which. Other programs say nothing
 * of that, and are not concerned.
 *
 * @throws CodedError when the page is not ours, or when it may have made its own name stand for this machine
 */
export function refuseStrangers({ origin, host }: IncomingHttpHeaders, hasToken: boolean): void {
  if (origin !== undefined && !isSame(origin, host ?? '')) {
    throw new CodedError(
      'forbidden',
      `a page of ${origin} asks ${host}`,
      'use the dashboard at the orchestrator’s own address; a reverse proxy has to pass the Host header on',
    );
  }
  if (!hasToken && host !== undefined && !isThisMachine(host)) {
    throw new CodedError(
      'forbidden',
      `without a token nobody is served as ${host}`,
      'ask localhost, or set CLUSTERPLEX_TOKEN',
    );
  }
}

/** Behind a proxy the scheme is another, so only the names and ports are compared. */
function isSame(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  return page !== null && page.host !== '' && page.host === URL.parse(`${page.protocol}//${host}`)?.host;
}

function isThisMachine(host: string): boolean {
  return isLoopback(URL.parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, '') ?? '');
}
