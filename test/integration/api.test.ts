import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const TOKEN = 'the-admin-token-of-this-test';
const CLUSTERPLEX_METRICS = [
  'jobs_posted',
  'jobs_completed',
  'jobs_succeeded',
  'jobs_failed',
  'jobs_killed',
  'job_posters_active',
  'workers_active',
  'worker_load_cpu',
  'worker_load_tasks',
  'worker_load_ops',
  'worker_load_rank',
];

const directory = mkdtempSync(join(tmpdir(), 'api-'));
const shared = join(directory, 'shared');
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  mkdirSync(shared);
  cluster = await Cluster.start({
    ...{ workers: ['w1'], slots: 1, transcoderDirectory: directory, token: TOKEN },
    env: { NODE_NAME: 'n1' },
    relayEnv: { MOUNTS: `${shared}:ro` },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

async function get(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; type: string; text: string }> {
  const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers };
  const response = await fetch(`${cluster.address}${path}`, { ...init, headers });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

async function refusal(path: string, init: RequestInit = {}) {
  const { status, text } = await get(path, init);
  return { status, ...JSON.parse(text).error };
}

/** A job that runs until it is told to end. */
async function running(): Promise<HookClient> {
  const client = new HookClient(cluster.socket, { argv: behaviour({ block: true }), cwd: cluster.cwd });
  await cluster.orchestrator.logged('job started', { jobId: client.jobId });
  return client;
}

describe('access', () => {
  test.each([
    '/api/v1/workers',
    '/api/v1/jobs',
    '/api/v1/history',
    '/api/v1/scale',
    '/api/v1/storage',
    '/api/v1/timelines',
    '/api/v1/openapi.json',
    '/api/v1/events',
    '/metrics',
    '/leader',
    '/nothing',
  ])('%s asks for the token, and the error has the one shape of all errors', async (path) => {
    for (const authorization of ['', 'Bearer wrong', TOKEN]) {
      const { status, text } = await get(path, { headers: { authorization } });
      expect(status).toBe(401);
      expect(JSON.parse(text)).toEqual({
        error: { code: 'unauthorized', message: expect.any(String), hint: expect.any(String) },
      });
    }
  });

  test.each(['/health', '/ready', '/'])('%s does not', async (path) => {
    expect((await get(path, { headers: { authorization: '' } })).status).toBe(200);
  });
});

test('/health says Healthy, /ready its role, /leader that it leads', async () => {
  expect((await get('/health')).text).toBe('Healthy');
  expect(JSON.parse((await get('/ready')).text)).toEqual({ ready: true, role: 'leader' });
  expect((await get('/leader')).status).toBe(200);
});

test('workers, one worker, and one that does not exist', async () => {
  const w1 = {
    name: 'w1',
    node: 'n1',
    state: 'ready',
    slots: 1,
    running: 0,
    jobs: [],
    storage: [
      {
        path: cluster.directory,
        mode: 'rw',
        problem: null,
        type: expect.any(String),
        options: expect.any(String),
      },
    ],
    checks: expect.arrayContaining([{ name: 'transcoder', ok: true, message: null, blocking: true }]),
  };
  expect(JSON.parse((await get('/api/v1/workers')).text)).toEqual([expect.objectContaining(w1)]);
  expect(JSON.parse((await get('/api/v1/workers/w1')).text)).toEqual(expect.objectContaining(w1));
  const { status, text } = await get('/api/v1/workers/w9');
  expect([status, JSON.parse(text).error.code]).toEqual([404, 'not-found']);
});

test('a job: listed by state, shown with its story, cancelled', async () => {
  const client = await running();
  const listed = JSON.parse((await get('/api/v1/jobs?state=running')).text);
  expect(listed).toEqual([
    expect.objectContaining({ jobId: client.jobId, state: 'running', worker: 'w1', attempt: 1 }),
  ]);
  const waiting = new HookClient(cluster.socket, { argv: behaviour({ exit: 0 }), cwd: cluster.cwd });
  await cluster.orchestrator.logged('job queued', { jobId: waiting.jobId });
  expect(JSON.parse((await get(`/api/v1/jobs/${waiting.jobId}`)).text)).toMatchObject({
    state: 'queued',
    reason: 'all 1 slots of 1 workers are taken',
  });

  expect((await get(`/api/v1/jobs/${client.jobId}`, { method: 'DELETE' })).status).toBe(202);
  expect(await client.verdict).toBe('exit 143');
  expect(await waiting.verdict).toBe('exit 0');
  const story = JSON.parse((await get(`/api/v1/jobs/${client.jobId}`)).text);
  expect(story.outcome).toMatchObject({ reason: 'cancelled', signal: 'SIGTERM' });
  expect(story.story.map(({ event }: { event: string }) => event)).toEqual([
    'submitted',
    'queued',
    'placed',
    'started',
    'cancelling',
    'attempt-ended',
    'ended',
  ]);
  expect(await refusal(`/api/v1/jobs/${client.jobId}`, { method: 'DELETE' })).toMatchObject({
    status: 409,
    code: 'conflict',
    message: 'the job has ended: cancelled',
  });
  expect((await get('/api/v1/jobs/none', { method: 'DELETE' })).status).toBe(404);
});

test('a drained worker takes nothing until it is undrained', async () => {
  expect(JSON.parse((await get('/api/v1/workers/w1/drain', { method: 'POST' })).text).state).toBe('draining');
  const client = new HookClient(cluster.socket, { argv: behaviour({ exit: 3 }), cwd: cluster.cwd });
  await cluster.orchestrator.logged('job queued', { jobId: client.jobId });
  expect(JSON.parse((await get(`/api/v1/jobs/${client.jobId}`)).text).reason).toMatch(/they drain/);
  await get('/api/v1/workers/w1/undrain', { method: 'POST' });
  expect(await client.verdict).toBe('exit 3');
});

test('scale: a spec and a burst are set; what makes no sense is refused and changes nothing', async () => {
  const put = (body: unknown) =>
    get('/api/v1/scale', {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  expect(JSON.parse((await put({ minimum: 2, maximum: 5, desired: 3 })).text)).toMatchObject({
    minimum: 2,
    maximum: 5,
    desired: 3,
    current: 1,
    deviation: -2,
  });
  expect(JSON.parse((await put({ burst: { workers: 9, minutes: 10 } })).text)).toMatchObject({
    desired: 5,
    bursts: [{ workers: 9, until: expect.any(String) }],
  });
  for (const bad of [{}, { minimum: -1 }, { minimum: 'two' }, { unknown: 1 }, { burst: { workers: 1 } }]) {
    expect((await put(bad)).status).toBe(400);
  }
  expect(
    (
      await get('/api/v1/scale', {
        method: 'PUT',
        body: '{',
        headers: { 'content-type': 'application/json' },
      })
    ).status,
  ).toBe(400);
  expect(JSON.parse((await get('/api/v1/scale')).text)).toMatchObject({ minimum: 2, maximum: 5 });
});

test('metrics: ClusterPlex’s eleven and ours, and nothing of a worker that has gone', async () => {
  const client = await running();
  const { text, type } = await get('/metrics');
  expect(type).toMatch(/^text\/plain/);
  for (const name of CLUSTERPLEX_METRICS) expect(text).toMatch(new RegExp(`^${name}[ {]`, 'm'));
  expect(text).toMatch(/^worker_load_tasks\{worker_name="w1"\} 1$/m);
  expect(text).toMatch(/^clusterplex_running_jobs\{class="background"\} 1$/m);
  client.die();
  const w2 = await cluster.startWorker('w2', { WORKER_RECONNECT_MS: '0' });
  expect((await get('/metrics')).text).toMatch(/worker_name="w2"/);
  await w2.stop();
  await cluster.orchestrator.logged('worker disconnected', { worker: 'w2' });
  expect((await get('/metrics')).text).not.toMatch(/worker_name="w2"/);
});

test('storage: what PMS shares, as each relay says, and what each worker has of it', async () => {
  const lost = join(directory, 'lost');
  const w3 = await cluster.startWorker('w3', { MOUNTS: `${lost}:ro` });
  const mounts = [{ path: shared, mode: 'ro', purpose: 'media' }];
  await expect
    .poll(async () => JSON.parse((await get('/api/v1/storage')).text), { timeout: 10_000 })
    .toEqual({
      contracts: [{ relay: expect.any(String), mounts }],
      workers: expect.arrayContaining([
        { name: 'w1', mounts: [expect.objectContaining({ path: cluster.directory, problem: null })] },
        {
          name: 'w3',
          mounts: [{ path: lost, mode: 'ro', problem: expect.stringMatching(/does not exist/) }],
        },
      ]),
    });
  await w3.stop();
});

test('events: first what is, then every change', async () => {
  const abort = new AbortController();
  const response = await fetch(`${cluster.address}/api/v1/events`, {
    headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' },
    signal: abort.signal,
  });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  if (!response.body) throw new Error('no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let seen = '';
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(seen)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended after ${seen}`);
      seen += value;
    }
  };
  await until(/event: worker\ndata: .*"name":"w1".*\n/);
  expect(seen).not.toContain('capabilities');
  const client = new HookClient(cluster.socket, { argv: behaviour({ exit: 7 }), cwd: cluster.cwd });
  await until(new RegExp(`event: job\\ndata: .*"jobId":"${client.jobId}".*"exitCode":7`));
  abort.abort();
});
