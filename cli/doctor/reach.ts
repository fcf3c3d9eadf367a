import { get } from 'node:http';
import { connect, type NetConnectOpts } from 'node:net';
import { WebSocket } from 'ws';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { TRIAL_HEADER } from '#shared/protocol/trial.ts';
import { connectionToPms } from '../../pms/relay/upstream.ts';

const TIMEOUT_MS = 5_000;

/** The answer, or why there is none. */
export async function answerOf(url: string): Promise<Response | string> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' });
  } catch (error) {
    const { name, cause } = coerceError(error);
    if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS} ms`;
    return systemErrorCode(cause) ?? coerceError(cause ?? error).message;
  }
}

/** Why PMS does not answer; null when it does. It names the length of its answers twice, which Node refuses. */
export function pmsProblem(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const createConnection = () => connectionToPms(port);
    const request = get(`http://127.0.0.1:${port}/identity`, { createConnection, timeout: TIMEOUT_MS });
    const end = (problem: string | null): void => {
      resolve(problem);
      request.destroy();
    };
    request.once('response', () => end(null));
    request.once('timeout', () => end(`no answer within ${TIMEOUT_MS} ms`));
    request.on('error', (error) => end(systemErrorCode(error) ?? error.message));
  });
}

/** Null when somebody serves the socket, else why nobody can be spoken to there. */
export function socketProblem(address: NetConnectOpts): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('it does not answer')));
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error) => resolve(systemErrorCode(error) ?? error.message));
  });
}

/** Whether the orchestrator lets this role in: null, the status with which it refuses, or why it can't be asked. */
export function refusalOf(
  role: 'relay' | 'worker',
  url: string,
  token: string | null,
): Promise<number | string | null> {
  return new Promise((resolve) => {
    const address = `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/ws/${role}`;
    const socket = new WebSocket(address, SUBPROTOCOL, {
      handshakeTimeout: TIMEOUT_MS,
      headers: { [TRIAL_HEADER]: '1', ...(token !== null && { authorization: `Bearer ${token}` }) },
    });
    const end = (answer: number | string | null): void => {
      resolve(answer);
      socket.terminate();
    };
    // It leaves without a word: nobody takes it for a relay or worker.
    socket.once('open', () => end(null));
    socket.once('unexpected-response', (_request, { statusCode = 0 }) => end(statusCode));
    socket.on('error', (error) => end(systemErrorCode(error) ?? error.message));
  });
}
