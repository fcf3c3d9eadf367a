/**
 * Random and mutated input at every door, while legitimate jobs run: websocket frames as worker and as relay, lines at
 * the relay's socket, requests at the Local Relay and at the API, connections that say nothing or read nothing.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { Random } from '../simulation/random.ts';
import type { Cluster } from './cluster.ts';

const SEEDS: readonly unknown[] = [
  { type: 'hello', version: '0', name: 'w', instance: 'i', serial: 0, jobs: [] },
  {
    ...{ type: 'hello', version: '0', name: 'fuzz', instance: 'f', slots: 1, storage: [] },
    capabilities: NO_CAPABILITIES,
    state: { revision: 0, ready: true, draining: false, load: null, attempts: [] },
  },
  { type: 'state', revision: 1, ready: false, draining: false, load: { cpu: 1, ops: 1 }, attempts: [] },
  { type: 'output', jobId: 'j', attempt: 1, offset: 0, stream: 'stdout', data: 'YQ==' },
  { type: 'end', jobId: 'j', signal: 'SIGTERM' },
  { type: 'release', jobId: 'j' },
  { type: 'received', jobId: 'j', attempt: 1, offset: 9, again: true },
  { type: 'job', jobId: 'j', argv: [], env: {}, cwd: '/', local: false, verbose: false, before: null },
  { type: 'signal', signal: 'SIGINT' },
];

const VALUES: readonly unknown[] = [
  null,
  -1,
  1e308,
  '',
  '\u0000',
  'x'.repeat(70_000),
  [],
  {},
  true,
  '__proto__',
  [[[[[]]]]],
];

/** A message that once was right. */
export function mutated(random: Random): string {
  const text = JSON.stringify(random.pick(SEEDS));
  if (random.chance(0.3)) return text;
  if (random.chance(0.4)) {
    const at = random.integer(0, text.length);
    return (
      text.slice(0, at) +
      String.fromCharCode(random.integer(0, 0x2ff)) +
      text.slice(at + random.integer(0, 5))
    );
  }
  const value: Record<string, unknown> = JSON.parse(text);
  const key = random.pick(Object.keys(value));
  const change = random.integer(0, 2);
  if (change === 0) value[key] = random.pick(VALUES);
  else if (change === 1) delete value[key];
  else value[`${key}x`] = random.pick(VALUES);
  return JSON.stringify(value);
}

export interface FuzzOptions {
  readonly frames: number;
  /** Connections without a token. */
  readonly strangers: number;
  readonly seed: number;
}

/** Sends all that, a hundred frames or lines a connection, and resolves when everything has been sent. */
export async function fuzz(
  cluster: Cluster,
  token: string,
  localRelay: string,
  { frames, strangers, seed }: FuzzOptions,
): Promise<void> {
  const random = new Random(seed);
  const doors = [
    () => frameBurst(new URL(`/ws/${random.pick(['worker', 'relay'])}`, cluster.address), token, random),
    () =>
      rawBurst(
        connect(cluster.socket),
        `${Array.from({ length: 100 }, () => mutated(random)).join('\n')}\n`,
        random,
      ),
    () => rawBurst(connectTo(localRelay), requests(random), random),
    () => rawBurst(connectTo(cluster.address), requests(random), random),
  ];
  for (let sent = 0; sent < frames; sent += 400) await Promise.all(doors.map((door) => door()));
  for (let opened = 0; opened < strangers; opened += 100) {
    await Promise.all(Array.from({ length: 100 }, () => stranger(cluster.address)));
  }
}

/** @returns in KiB */
export function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

function frameBurst(url: URL, token: string, random: Random): Promise<void> {
  url.protocol = 'ws:';
  return new Promise((resolve) => {
    const socket = new WebSocket(url, SUBPROTOCOL, { headers: { authorization: `Bearer ${token}` } });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.on('open', () => {
      const readsNothing = random.chance(0.1);
      if (readsNothing) socket.pause();
      for (let count = 0; count < 100 && socket.readyState === WebSocket.OPEN; count += 1) {
        if (random.chance(0.05)) socket.send(Buffer.from(mutated(random)), { binary: true });
        else socket.send(mutated(random));
      }
      if (readsNothing || random.chance(0.5)) socket.terminate();
      else socket.close();
    });
  });
}

function rawBurst(socket: Socket, text: string, random: Random): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.on('connect', () => {
      if (random.chance(0.1)) socket.pause();
      else socket.resume();
      // Cut off anywhere, or left open on one side.
      socket.write(random.chance(0.3) ? text.slice(0, random.integer(0, text.length)) : text, () => {
        if (random.chance(0.5)) socket.end();
        else socket.destroy();
      });
      socket.setTimeout(300, () => socket.destroy());
    });
  });
}

function requests(random: Random): string {
  return Array.from({ length: 100 }, () => {
    const path = random.pick([
      ...[
        '/',
        '/api/v1/jobs',
        '/api/v1/jobs/x',
        '/api/v1/history?before=x&limit=0',
        '/metrics',
        '/api/v1/workers/%00/drain',
        '/../../etc/passwd',
      ],
      ...[
        '/video/:/transcode/session/a/b/progress',
        '/job/x/video/:/transcode/session/a/b/manifest',
        '/ws/worker',
      ],
    ]);
    const method = random.pick(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'BREW']);
    const body = random.chance(0.5) ? mutated(random) : '';
    const length = random.chance(0.9) ? Buffer.byteLength(body) : random.integer(-5, 1_000_000);
    const host = random.chance(0.9) ? 'Host: 127.0.0.1\r\n' : '';
    return `${method} ${path} HTTP/1.1\r\n${host}Content-Length: ${length}\r\n\r\n${body}`;
  }).join('');
}

function connectTo(address: string): Socket {
  const { hostname, port } = new URL(address);
  return connect(Number(port), hostname.replace(/^\[|\]$/g, ''));
}

/** Knocks without a token, and is sent away. */
function stranger(address: string): Promise<void> {
  return new Promise((resolve) => {
    const url = new URL('/ws/worker', address);
    url.protocol = 'ws:';
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}
