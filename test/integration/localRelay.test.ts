import {
  createServer,
  type IncomingMessage,
  type RequestOptions,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { Presence } from '../../pms/relay/announced/presence.ts';
import { HeldJob } from '../../pms/relay/heldJob.ts';
import { LocalRelay } from '../../pms/relay/localRelay.ts';
import { portOf } from '../support/portOf.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const SESSION = '/video/:/transcode/session/abc/def';
const CREDENTIAL = '0123456789abcdef0123456789abcdef';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let pms: Server;
let answer: Handler;
let relay: LocalRelay;
let address: URL;
let held: HeldJob[];
let hooksReturnBy = 0;
let clock: FakeClock;
let warnings: string[];
let called: boolean[];
const accepted = vi.fn<(job: HeldJob) => void>();

beforeEach(async () => {
  accepted.mockClear();
  held = [];
  clock = new FakeClock();
  warnings = [];
  called = [];
  pms = createServer((incoming, response) => answer(incoming, response));
  await new Promise<void>((resolve) => pms.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await relay.close();
  pms.closeAllConnections();
  await new Promise((resolve) => pms.close(resolve));
});

async function serve(needsCredential: boolean, host = '127.0.0.1'): Promise<void> {
  relay = new LocalRelay({
    pmsPort: portOf(pms),
    needsCredential,
    clock,
    logger: pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) }),
    presence: new Presence(systemClock, 300),
    hooksReturnBy,
    held: () => held,
    accepted,
    called: (job) => called.push(job.waiting),
    announced: () => undefined,
  });
  address = await relay.listen(host, 0);
}

function job(credential: string | null): HeldJob {
  const spec = {
    ...{ jobId: 'j1', session: 'abc', jobClass: 'playback' as const, title: 't', local: false, cwd: '/' },
    ...{ plexPass: false, changes: [], argv: ['-y'], env: {} },
  };
  const hook = { send: () => undefined, close: () => undefined };
  return new HeldJob(spec, hook, { scopes: [`${SESSION}/`], credential, localArgv: null }, null, null);
}

/** One request, as a transcoder makes it. */
function call(
  path: string,
  options: RequestOptions = {},
  body: string | null = null,
): Promise<{ status: number; body: string; headers: IncomingMessage['headers'] }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: address.port, path, ...options }, (reply) => {
      text(reply).then(
        (read) => resolve({ status: reply.statusCode ?? 0, body: read, headers: reply.headers }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body ?? undefined);
  });
}

test('the reply’s body comes back, though PMS repeats Content-Length', async () => {
  answer = (incoming) => {
    const body = '<MediaContainer canThrottle="1">';
    const length = `Content-Length: ${body.length}`;
    incoming.socket.end(`HTTP/1.1 200 OK\r\n${length}\r\nX-Plex-Protocol: 1.0\r\n${length}\r\n\r\n${body}`);
  };
  await serve(false);
  const reply = await call(`${SESSION}/progress?progress=1`, { method: 'PUT' });
  expect(reply).toMatchObject({ status: 200, body: '<MediaContainer canThrottle="1">' });
  expect(reply.headers['x-plex-protocol']).toBe('1.0');
});

test('a job waits for PMS until its calls are answered, and as long as PMS throttles it', async () => {
  let body = '<MediaContainer canThrottle="1">';
  answer = (_incoming, response) => response.end(body);
  await serve(true);
  const throttled = job(CREDENTIAL);
  held = [throttled];
  const progress = `/job/${CREDENTIAL}${SESSION}/progress`;
  await call(`${progress}?progress=1`, { method: 'PUT' });
  expect(called).toEqual([true, true]);
  await call(`${progress}/stream?index=0`, { method: 'PUT' });
  expect(throttled.waiting).toBe(true);
  body = '<MediaContainer/>';
  await call(`${progress}?progress=1`, { method: 'PUT' });
  await vi.waitFor(() => expect(called).toEqual([true, true, true, true, true, false]), 10_000);
});

test('a Content-Length that contradicts itself is not guessed at', async () => {
  answer = (incoming) => {
    incoming.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab');
  };
  await serve(false);
  expect((await call(`${SESSION}/progress`, { method: 'PUT' })).status).toBe(502);
});

test('method, query, headers and body arrive; the Host is PMS’s own', async () => {
  const seen = vi.fn();
  answer = (incoming, response) => {
    const { method, url, headers } = incoming;
    text(incoming).then((body) => {
      seen({ method, url, host: headers.host, token: headers['x-plex-token'], body });
      response.writeHead(204).end();
    }, response.destroy);
  };
  await serve(false);
  const headers = { 'X-Plex-Token': 'local-1', 'Transfer-Encoding': 'chunked' };
  const reply = await call(`${SESSION}/manifest?a=1`, { method: 'POST', headers }, '<MPD>');
  expect(reply.status).toBe(204);
  expect(seen).toHaveBeenCalledWith({
    method: 'POST',
    url: `${SESSION}/manifest?a=1`,
    host: `127.0.0.1:${portOf(pms)}`,
    token: 'local-1',
    body: '<MPD>',
  });
});

test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT'])(
  'the body of a %s stays a body: no second request hides in it',
  async (method) => {
    const seen: [string | undefined, string][] = [];
    answer = (incoming, response) => {
      text(incoming).then((body) => {
        seen.push([incoming.url, body]);
        response.end();
      }, response.destroy);
    };
    await serve(true);
    held = [job(CREDENTIAL)];
    const hidden = 'GET /library/sections HTTP/1.1\r\nHost: 127.0.0.1:32400\r\n\r\n';
    const headers = { 'Transfer-Encoding': 'chunked' };
    await call(`/job/${CREDENTIAL}${SESSION}/progress`, { method, headers }, hidden);
    await new Promise((resolve) => pms.close(resolve));
    expect(seen).toEqual([[`${SESSION}/progress`, hidden]]);
  },
);

test('bodies stream: the first part of a reply arrives before the last is sent', async () => {
  let finish = (): void => undefined;
  answer = (_incoming, response) => {
    response.write('first');
    finish = () => response.end('last');
  };
  await serve(false);
  const body = await new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port: address.port, path: '/livetv/x' }, (reply) => {
      reply.once('data', (first) => {
        finish();
        text(reply).then((rest) => resolve(`${first}+${rest}`), reject);
      });
    }).end();
  });
  expect(body).toBe('first+last');
});

test.each([
  '/',
  '/identity',
  '/library/sections',
  '/video/:/transcode/session',
  '/video/:/transcode/session/../../../library',
  '/video/:/transcode/session/%2e%2E/%2e%2e/x',
  '/video/:/transcode/session/a#/../../../../library',
  '/livetv/x?a=1#b',
  '/livetv',
  '/job/x/livetv/y',
])('%s is nobody’s business: 404', async (path) => {
  answer = (_incoming, response) => response.end('secret');
  await serve(false);
  expect(await call(path)).toMatchObject({ status: 404, body: '' });
});

test('with tokens, only the job’s own paths pass, and only with its credential, and only while it lives', async () => {
  answer = (_incoming, response) => response.end('ok');
  await serve(true);
  held = [job(CREDENTIAL)];
  const status = async (path: string): Promise<number> => (await call(path)).status;
  expect(await status(`/job/${CREDENTIAL}${SESSION}/progress`)).toBe(200);
  expect(await status(`${SESSION}/progress`)).toBe(403);
  expect(await status(`/job/${CREDENTIAL.replace('0', 'f')}${SESSION}/progress`)).toBe(403);
  expect(await status(`/job/${CREDENTIAL}/video/:/transcode/session/other/def/progress`)).toBe(403);
  expect(await status(`/job/${CREDENTIAL}${SESSION}/../other/progress`)).toBe(403);
  expect(await status(`/job/${CREDENTIAL}${SESSION}/progress#/../../other/progress`)).toBe(403);
  expect(await status(`/job/${CREDENTIAL}/library/sections`)).toBe(403);
  expect(await status('/library/sections')).toBe(404);
  held = [];
  expect(await status(`/job/${CREDENTIAL}${SESSION}/progress`)).toBe(403);
});

test('what PMS accepted is remembered; what it refused is not', async () => {
  const one = job(null);
  held = [one];
  let code = 404;
  answer = (incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.writeHead(code).end());
  };
  await serve(false);
  await call(`${SESSION}/progress?progress=12.5&speed=2.0`, { method: 'PUT' });
  expect(one.accepted.progress).toBeNull();
  code = 200;
  await call(`${SESSION}/progress?progress=12.5&speed=2.0`, { method: 'PUT' });
  await call(`${SESSION}/seglist`, { method: 'POST' }, 'media-00000.ts,0,1\nmedia-00001.ts,1,2\n');
  const { progress, speed, announced } = one.accepted;
  expect({ progress, speed, announced }).toEqual({ progress: 12.5, speed: 2, announced: 2 });
  expect(accepted).toHaveBeenCalledTimes(2);
});

test('where nobody listens, the transcoder is told, and the log once a minute', async () => {
  await serve(false);
  const port = portOf(pms);
  await new Promise((resolve) => pms.close(resolve));
  const absent = { status: 502, body: 'PMS does not answer\n' };
  const warning = `PMS does not answer at 127.0.0.1:${port} (PMS_PORT)`;
  expect(await call(`${SESSION}/progress`)).toMatchObject(absent);
  clock.advance(59_999);
  expect(await call(`${SESSION}/progress`)).toMatchObject(absent);
  expect(warnings).toEqual([warning]);
  clock.advance(1);
  await call(`${SESSION}/progress`);
  expect(warnings).toEqual([warning, warning]);
});

test('a PMS that breaks off is 502, and the relay goes on', async () => {
  await serve(false);
  answer = (incoming) => incoming.socket.destroy();
  expect((await call(`${SESSION}/progress`)).status).toBe(502);
  answer = (_incoming, response) => response.end('back');
  expect((await call(`${SESSION}/progress`)).body).toBe('back');
});

test('on all interfaces it answers by IPv4 and by IPv6', async () => {
  answer = (_incoming, response) => response.end('ok');
  await serve(false, '::');
  expect((await call('/livetv/x', { host: '127.0.0.1' })).body).toBe('ok');
  expect((await call('/livetv/x', { host: '::1' })).body).toBe('ok');
});

test('a request that is no HTTP harms nobody', async () => {
  answer = (_incoming, response) => response.end('ok');
  await serve(false);
  const socket = connect(Number(address.port), '127.0.0.1');
  socket.end('\u0000\u0001 nonsense\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve).resume());
  expect((await call('/livetv/x')).body).toBe('ok');
});

test.each([true, false])(
  'right after a restart a call waits for its hook, and no longer than that may take (it comes: %s)',
  async (comes) => {
    answer = (_, response) => response.end();
    hooksReturnBy = 50;
    await serve(true);
    hooksReturnBy = 0;
    const reply = call(`/job/${CREDENTIAL}${SESSION}/progress`, { method: 'PUT' });
    await expect.poll(() => clock.timers.length).toBeGreaterThan(0);
    if (comes) held = [job(CREDENTIAL)];
    clock.advance(50);
    expect((await reply).status).toBe(comes ? 200 : 403);
  },
);
