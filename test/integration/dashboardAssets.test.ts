import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, createApp } from '../../orchestrator/api/app.ts';
import { addDashboard } from '../../orchestrator/dashboard/assets.ts';

const MAX_FIRST_LOAD_BYTES = 150_000;
let app: App;

beforeAll(async () => {
  app = await createApp({ adminToken: 'token', metricsPublic: false }, pino({ level: 'silent' }));
  addDashboard(app);
});

afterAll(() => app.close());

async function load(url: string, headers: Record<string, string> = {}) {
  const { statusCode, headers: answered, rawPayload } = await app.inject({ url, headers });
  return { statusCode, headers: answered, bytes: rawPayload };
}

/** What the page names, and so loads before anything is done. */
async function firstLoad(): Promise<string[]> {
  const page = (await load('/')).bytes.toString();
  return [
    '/',
    ...[...page.matchAll(/<(?:link|script)[^>]*(?:href|src)="\.([^"]+)"/g)].map(([, path = '']) => path),
  ];
}

test('the page may load and call nothing but its own server', async () => {
  const { headers } = await load('/');
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/http|\*|data:|unsafe/);
  const texts = await Promise.all(
    (await firstLoad()).map(async (path) => (await load(path)).bytes.toString()),
  );
  for (const text of texts) expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
});

test('every file is there, and types and comments are not', async () => {
  for (const path of await firstLoad()) expect([path, (await load(path)).statusCode]).toEqual([path, 200]);
  const { bytes, headers } = await load('/assets/store.ts');
  expect(headers['content-type']).toMatch(/^text\/javascript/);
  expect(bytes.toString()).not.toMatch(/import type|: JobView|\/\*\*/);
});

test('the first load is below 150 KB compressed', async () => {
  const sizes = await Promise.all(
    (await firstLoad()).map(async (path) => (await load(path, { 'accept-encoding': 'gzip' })).bytes.length),
  );
  const all = sizes.reduce((sum, size) => sum + size, 0);
  process.stderr.write(
    `dashboard, first load: ${(all / 1000).toFixed(1)} KB by gzip in ${sizes.length} files\n`,
  );
  expect(all).toBeLessThan(MAX_FIRST_LOAD_BYTES);
});

test('compressed as the browser can read it, and not sent again while it is the same', async () => {
  const plain = await load('/assets/main.ts');
  const gzip = await load('/assets/main.ts', { 'accept-encoding': 'gzip' });
  const br = await load('/assets/main.ts', { 'accept-encoding': 'gzip, deflate, br' });
  expect([plain, gzip, br].map(({ headers }) => headers['content-encoding'])).toEqual([
    undefined,
    'gzip',
    'br',
  ]);
  expect(gunzipSync(gzip.bytes)).toEqual(plain.bytes);
  const again = await load('/assets/main.ts', { 'if-none-match': String(plain.headers['etag']) });
  expect([again.statusCode, again.bytes.length]).toEqual([304, 0]);
});

test.each([
  '/assets/',
  '/assets/nothing.js',
  '/assets/..%2fassemble.ts',
  '/assets/assemble.ts',
  '/assets/tsconfig.json',
])('%s is not served', async (path) => {
  expect((await load(path)).statusCode).toBe(404);
});
