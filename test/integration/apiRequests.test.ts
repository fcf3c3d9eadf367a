import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { readSettings } from '#shared/settings/read.ts';
import { orchestratorSettings } from '../../orchestrator/config.ts';
import { type RunningOrchestrator, startOrchestrator } from '../../orchestrator/server.ts';
import { codeIn, readDoc, rowsOf } from '../docs/markdown.ts';

let orchestrator: RunningOrchestrator;

beforeAll(async () => {
  const settings = readSettings(orchestratorSettings, { LISTENING_PORT: '0' }, () => '');
  orchestrator = await startOrchestrator(settings, systemClock, pino({ level: 'silent' }));
});

afterAll(() => orchestrator.stop());

async function refusal(path: string, init: RequestInit = {}) {
  const response = await fetch(`${orchestrator.address}${path}`, init);
  return { status: response.status, ...JSON.parse(await response.text()).error };
}

async function description() {
  const response = await fetch(`${orchestrator.address}/api/v1/openapi.json`);
  return JSON.parse(await response.text());
}

function json(method: string, body: string | null): RequestInit {
  return { method, body, headers: { 'content-type': 'application/json' } };
}

test.each([
  ['/api/v1/jobs?state=foo', {}, 'state must be one of queued, running, ended'],
  ['/api/v1/jobs?stat=running', {}, 'unknown parameter stat'],
  ['/api/v1/history?limit=201', {}, 'limit must be <= 200'],
  ['/api/v1/history?reason=bad', {}, /^reason must be one of exited, cancelled, /],
  ['/api/v1/history?before=noon', {}, 'before is neither a time nor the next of a page: noon'],
  ['/api/v1/workers?state=ready', {}, 'unknown parameter state'],
  ['/api/v1/scale', json('PUT', '{"min":1}'), 'unknown field min'],
  ['/api/v1/scale', json('PUT', '{"burst":{"workers":1,"hours":2}}'), /unknown field burst.hours/],
  ['/api/v1/scale', json('PUT', '{"minimum":"two"}'), 'minimum must be integer'],
  ['/api/v1/scale', json('PUT', null), 'the body must be object'],
  ['/api/v1/scale', json('PUT', '{"group":"default"}'), 'nothing is to be set'],
  ['/api/v1/scale?group=', {}, /^group must not have fewer than 1 char/],
  ['/api/v1/scale', json('PUT', '{"minimum":5,"maximum":2}'), 'minimum 5 is more than maximum 2'],
  ['/api/v1/scale', json('PUT', '{"desired":9,"maximum":2}'), 'desired 9 is more than maximum 2'],
  ['/api/v1/scale', json('PUT', '{"desired":1,"minimum":2}'), 'desired 1 is less than minimum 2'],
])('what is wrong with %s %j is said', async (path, init, message) => {
  const expected = typeof message === 'string' ? message : expect.stringMatching(message);
  expect(await refusal(path, init)).toMatchObject({ status: 400, code: 'bad-request', message: expected });
});

test('a body of another type is refused with the type to send', async () => {
  const init = { method: 'PUT', body: 'minimum=1', headers: { 'content-type': 'text/plain' } };
  expect(await refusal('/api/v1/scale', init)).toMatchObject({
    status: 415,
    hint: 'send Content-Type: application/json',
  });
});

test('an action needs no body, even from a client that names its type', async () => {
  expect(await refusal('/api/v1/workers/w9/undrain', json('POST', null))).toMatchObject({
    code: 'not-found',
  });
});

test('the description names every route', async () => {
  const { paths } = await description();
  for (const methods of Object.values<Record<string, { summary?: string; responses: object }>>(paths)) {
    for (const { summary, responses } of Object.values(methods)) {
      expect(summary).toMatch(/./);
      expect(Object.keys(responses)[0]).toMatch(/^20\d$/);
    }
  }
  expect(Object.keys(paths['/api/v1/jobs/{id}'].delete.responses)).toEqual([
    '202',
    '400',
    '401',
    '404',
    '409',
  ]);
  expect(Object.keys(paths['/ready'].get.responses)).toEqual(['200', '503']);
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      '/health',
      '/ready',
      '/leader',
      '/metrics',
      '/api/v1/workers',
      '/api/v1/workers/{name}',
      '/api/v1/workers/{name}/drain',
      '/api/v1/workers/{name}/undrain',
      '/api/v1/jobs',
      '/api/v1/jobs/{id}',
      '/api/v1/history',
      '/api/v1/scale',
      '/api/v1/events',
    ]),
  );
});

test('docs/api.md names every route that is described, and no other', async () => {
  const { paths } = await description();
  const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const [routes = ''] = readDoc('api.md').split('\n## ');
  const named = rowsOf(routes).map(([route = '']) => codeIn(route)[0]);
  expect(named.toSorted()).toEqual(described.toSorted());
});
