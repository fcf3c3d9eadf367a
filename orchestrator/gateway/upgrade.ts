import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { bearerMatches } from '#shared/tokens.ts';
import type { Tokens } from '../config.ts';
import type { RefusalReason } from './refusals.ts';

type Role = 'relay' | 'worker';

export type Admission =
  | { readonly role: Role }
  | { readonly refusal: string; readonly peer?: { readonly role: Role; readonly reason: RefusalReason } };

/** Decides about an upgrade before there is a socket: a stranger costs no more than a request. */
export function admit(request: IncomingMessage, tokens: Tokens): Admission {
  // Only browsers send it: a web page must not become a relay of an orchestrator that asks for no token.
  if (request.headers.origin !== undefined) return { refusal: '403 Forbidden' };
  const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname;
  const role: Role | null = path === '/ws/relay' ? 'relay' : path === '/ws/worker' ? 'worker' : null;
  if (role === null) return { refusal: '404 Not Found' };
  const token = tokens[role];
  const { authorization } = request.headers;
  if (token !== null && !bearerMatches(authorization, token)) {
    const reason = authorization === undefined ? 'no-token' : 'wrong-token';
    return { refusal: '401 Unauthorized', peer: { role, reason } };
  }
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  if (!offered.includes(SUBPROTOCOL)) {
    return { refusal: '400 Bad Request', peer: { role, reason: 'other-version' } };
  }
  return { role };
}
