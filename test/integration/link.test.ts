import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { CLOSE, type CloseName } from '#shared/protocol/closeCodes.ts';
import { Link } from '#shared/protocol/link.ts';
import { type RelayHello, SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const HELLO: RelayHello = { type: 'hello', version: '1', name: 'r', instance: 'i', serial: 0, jobs: [] };
const HEARTBEAT_MS = 1_000;

let server: WebSocketServer;
let clock: FakeClock;
let link: Link<'relay'>;
const message = vi.fn();
const lost = vi.fn();
let log: string[];

beforeEach(async () => {
  message.mockClear();
  lost.mockClear();
  log = [];
  clock = new FakeClock();
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  link = new Link<'relay'>({
    role: 'relay',
    url: `http://127.0.0.1:${address.port}/base/`,
    token: 'secret',
    clock,
    random: () => 0.5,
    logger: pino({ level: 'warn' }, { write: (line) => log.push(JSON.parse(line).reason) }),
    handlers: { hello: () => HELLO, message, lost },
  });
});

afterEach(async () => {
  link.stop();
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** The link's next connection, after its hello. */
async function nextPeer(): Promise<{ socket: WebSocket; url: string; token: string }> {
  const [socket, request] = await once(server, 'connection');
  const [data] = await once(socket, 'message');
  expect(JSON.parse(String(data))).toEqual(HELLO);
  return { socket, url: request.url, token: request.headers.authorization };
}

async function connected(term = 0): Promise<WebSocket> {
  link.start();
  const { socket } = await nextPeer();
  await welcome(socket, term);
  return socket;
}

async function welcome(socket: WebSocket, term: number): Promise<void> {
  socket.send(JSON.stringify({ type: 'welcome', orchestrator: 'o', term, heartbeatMs: HEARTBEAT_MS }));
  await vi.waitFor(() => expect(link.up).toBe(true), { interval: 1 });
}

/** Waits for the link to plan something, which is all it does between two connections. */
async function plans(atMs: number): Promise<void> {
  await vi.waitFor(() => expect(clock.timers).toEqual([clock.time + atMs]), { interval: 1 });
}

test('it dials the role’s path with the subprotocol and the token, and says hello first', async () => {
  link.start();
  const { socket, url, token } = await nextPeer();
  expect([url, socket.protocol, token]).toEqual(['/base/ws/relay', SUBPROTOCOL, 'Bearer secret']);
  expect(link.up).toBe(false);
  await welcome(socket, 0);
  expect(message).toHaveBeenCalledWith(expect.objectContaining({ type: 'welcome' }));
});

test.each([
  ['normal', 50],
  ['bad-message', 50],
  ['too-slow', 50],
  ['silent', 50],
  ['internal', 50],
  ['replaced', 50],
  ['not-leader', 50],
  ['shutting-down', 50],
  ['name-taken', 10_000],
] satisfies [CloseName, number][])(
  'closed with %s, it dials again after %d ms and says everything anew',
  async (name, delay) => {
    const socket = await connected();
    socket.close(CLOSE[name].code);
    await plans(delay);
    expect(lost).toHaveBeenCalledOnce();
    const peer = nextPeer();
    clock.advance(delay);
    await welcome((await peer).socket, 0);
  },
);

test('the wait doubles while nobody welcomes it, to 2 s at most, and is short again after a welcome', async () => {
  link.start();
  const waits = [50, 100, 200, 400, 800, 1_000, 1_000];
  for (const wait of waits) {
    const { socket } = await nextPeer();
    socket.terminate();
    await plans(wait);
    clock.advance(wait);
  }
  const { socket } = await nextPeer();
  await welcome(socket, 0);
  socket.terminate();
  await plans(50);
});

test.each([
  [401, 10_000, 'HTTP 401 Unauthorized; is the token the orchestrator’s?'],
  [400, 10_000, 'HTTP 400 Bad Request; is ORCHESTRATOR_URL the orchestrator, and of this version?'],
  [404, 50, 'HTTP 404 Not Found; is ORCHESTRATOR_URL the orchestrator, and of this version?'],
  [200, 50, 'HTTP 200 OK; is ORCHESTRATOR_URL the orchestrator, and of this version?'],
  [503, 50, 'HTTP 503 Service Unavailable'],
])(
  'an upgrade refused with %d is tried again after %d ms, and the log says what to do',
  async (status, delay, reason) => {
    server.options.verifyClient = (_info: unknown, done: (ok: boolean, code: number) => void) =>
      done(false, status);
    link.start();
    await plans(delay);
    expect(log).toEqual([`the connection was refused: ${reason}`]);
  },
);

test('no welcome within 3 s: the connection is given up', async () => {
  link.start();
  const { socket } = await nextPeer();
  const closed = once(socket, 'close');
  clock.advance(3_000);
  await closed;
  await plans(50);
});

test('it pings with every heartbeat, and gives up after three without hearing anything', async () => {
  const socket = await connected();
  const ping = once(socket, 'ping');
  clock.advance(HEARTBEAT_MS);
  await ping;
  socket.pause();
  const reset = vi.fn();
  lost.mockImplementation(reset);
  // Pongs of pings that were answered before the pause may still arrive.
  await vi.waitFor(
    () => {
      clock.advance(HEARTBEAT_MS);
      expect(reset).toHaveBeenCalled();
    },
    { interval: 5 },
  );
});

test('the three heartbeats count from what it heard last, wherever that was between two', async () => {
  const socket = await connected();
  clock.advance(HEARTBEAT_MS / 2);
  const pong = once(socket, 'pong');
  socket.ping();
  await pong;
  socket.pause();
  clock.advance(3 * HEARTBEAT_MS - 1);
  expect(lost).not.toHaveBeenCalled();
  clock.advance(1);
  expect(lost).toHaveBeenCalled();
});

test('an orchestrator of an older term is not believed', async () => {
  const socket = await connected(5);
  socket.terminate();
  await plans(50);
  const peer = nextPeer();
  clock.advance(50);
  const second = (await peer).socket;
  const closed = once(second, 'close');
  second.send(JSON.stringify({ type: 'welcome', orchestrator: 'old', term: 4, heartbeatMs: HEARTBEAT_MS }));
  const [code] = await closed;
  expect(code).toBe(CLOSE['out-of-order'].code);
  expect(link.up).toBe(false);
});

test('nor is a list of an older term, or an older term that comes soon after', async () => {
  const socket = await connected(5);
  const status = { type: 'status', jobId: 'j', state: 'queued', attempt: 0, worker: null, outcome: null };
  socket.send(JSON.stringify({ ...status, term: 5 }));
  socket.send(JSON.stringify({ ...status, term: 4 }));
  const [code] = await once(socket, 'close');
  expect(code).toBe(CLOSE['out-of-order'].code);
  expect(message.mock.calls.map(([{ term }]) => term)).toEqual([5, 5]);
  await plans(50);
  const peer = nextPeer();
  clock.time += 30_000;
  clock.advance(50);
  await welcome((await peer).socket, 4);
});

test.each([
  ['a message before welcome', '{"type":"status"}'],
  ['no JSON', '{'],
  ['a message of another direction', '{"type":"desired","revision":1,"attempts":[]}'],
])('%s costs the orchestrator this connection', async (_what, text) => {
  link.start();
  const { socket } = await nextPeer();
  const closed = once(socket, 'close');
  socket.send(text);
  await closed;
  await plans(50);
  expect(message).not.toHaveBeenCalled();
});

test('stopped, it closes in good order and calls nobody any more', async () => {
  const socket = await connected();
  const closed = once(socket, 'close');
  link.stop();
  const [code] = await closed;
  expect(code).toBe(CLOSE.normal.code);
  expect(lost).not.toHaveBeenCalled();
  expect(clock.timers).toEqual([]);
});
