import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { type App, createApp } from '../../orchestrator/api/app.ts';

const TOKEN = 'the-admin-token-of-this-test';
let app: App;

afterEach(() => app.close());

/** What a drain gets that comes with these headers. */
async function drain(adminToken: string | null, headers: Readonly<Record<string, string>>) {
  app = await createApp({ adminToken, metricsPublic: false }, pino({ level: 'silent' }));
  app.post('/api/v1/workers/:name/drain', () => 'drained');
  const { statusCode, body } = await app.inject({
    method: 'POST',
    url: '/api/v1/workers/w1/drain',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
    body: '{}',
  });
  return { status: statusCode, body };
}

const FORBIDDEN = { error: { code: 'forbidden', message: expect.any(String), hint: expect.any(String) } };

test.each([
  ['http://evil.example', '127.0.0.1:3500'],
  ['http://127.0.0.1:8080', '127.0.0.1:3500'],
  ['http://localhost:3500', '127.0.0.1:3500'],
  ['null', '127.0.0.1:3500'],
  ['https://evil.example', 'cluster.example'],
])('a page of %s may not ask %s, token or not', async (origin, host) => {
  for (const token of [null, TOKEN]) {
    const { status, body } = await drain(token, { origin, host });
    expect(status).toBe(403);
    expect(JSON.parse(body)).toEqual(FORBIDDEN);
    await app.close();
  }
});

test.each(['evil.example', 'evil.example:3500', '127.0.0.1.evil.example', '10.0.0.1:3500', '[::2]:3500'])(
  'without a token nobody is served as %j: a name that leads here may be anybody’s',
  async (host) => {
    const { status, body } = await drain(null, { host });
    expect(status).toBe(403);
    expect(JSON.parse(body)).toEqual(FORBIDDEN);
  },
);

test.each(['127.0.0.1:3500', 'localhost:3500', 'LOCALHOST', '[::1]:3500', '127.8.9.1'])(
  'without a token this machine is served, as %s, and so is the dashboard there',
  async (host) => {
    expect(await drain(null, { host })).toEqual({ status: 200, body: 'drained' });
    await app.close();
    expect(await drain(null, { host, origin: `http://${host}` })).toEqual({ status: 200, body: 'drained' });
  },
);

test.each([
  ['https://cluster.example', 'cluster.example'],
  ['https://cluster.example', 'cluster.example:443'],
  ['https://cluster.example:8443', 'cluster.example:8443'],
  ['http://10.0.0.1:3500', '10.0.0.1:3500'],
])('with a token the dashboard works at %s, also when a proxy asks for it as %s', async (origin, host) => {
  expect(await drain(TOKEN, { origin, host })).toEqual({ status: 200, body: 'drained' });
});

test('probes answer by any name', async () => {
  app = await createApp({ adminToken: null, metricsPublic: false }, pino({ level: 'silent' }));
  app.get('/health', () => 'Healthy');
  expect((await app.inject({ url: '/health', headers: { host: 'gateway.example' } })).statusCode).toBe(200);
});
