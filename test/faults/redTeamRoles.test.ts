import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import { portOf } from '../support/portOf.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';
import { ATTACKED, expectCleanLogs, expectNoSecrets, PMS_TOKEN, TOKENS } from '../support/redTeam.ts';
import { RogueRelay } from '../support/rogueRelay.ts';
import { workerHello } from '../unit/core/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'red-team-roles-'));
let transcoder: RecordingTranscoder;
let cluster: Cluster;
let pms: Server;
let reachedPms: string[] = [];

beforeAll(async () => {
  pms = createServer((incoming, response) => {
    reachedPms.push(incoming.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => pms.listen(0, '127.0.0.1', resolve));
  transcoder = await installRecordingTranscoder(directory);
  await transcoder.behave([{ exit: 0 }]);
  cluster = await Cluster.start({
    workers: ['w1'],
    slots: 4,
    transcoderDirectory: directory,
    pmsPort: portOf(pms),
    env: ATTACKED,
  });
});

afterAll(async () => {
  await cluster.stop();
  await new Promise((resolve) => pms.close(resolve));
  rmSync(directory, { recursive: true });
});

afterAll(() => expectCleanLogs(cluster.logs()));

/** What the job's record says of it, which holds no secret either. */
async function story(jobId: string): Promise<string> {
  const response = await fetch(`${cluster.address}/api/v1/jobs/${jobId}`, {
    headers: { authorization: `Bearer ${TOKENS.admin}` },
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  expectNoSecrets(text);
  return text;
}

describe('a token is good for its role only', () => {
  test.each([
    ['/ws/relay', TOKENS.worker, 401],
    ['/ws/relay', TOKENS.admin, 401],
    ['/ws/worker', TOKENS.relay, 401],
    ['/ws/worker', TOKENS.admin, 401],
    ['/ws/worker', '', 401],
    ['/ws/relay', `${TOKENS.relay}x`, 401],
    ['/ws/relay', TOKENS.relay.slice(0, -1), 401],
    [`/ws/relay?token=${TOKENS.relay}`, '', 401],
    ['/ws/admin', TOKENS.admin, 404],
  ])('%s with the token %s: %i', async (path, token, status) => {
    const socket = new WebSocket(`${cluster.address.replace(/^http/, 'ws')}${path}`, SUBPROTOCOL, {
      headers: { authorization: `Bearer ${token}` },
    });
    const answered = await new Promise((resolve) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    socket.on('error', () => {});
    socket.terminate();
    expect(answered).toBe(status);
  });

  test.each([
    [TOKENS.relay, 'GET', '/api/v1/jobs'],
    [TOKENS.worker, 'GET', '/api/v1/workers'],
    [TOKENS.worker, 'POST', '/api/v1/workers/w1/drain'],
    [TOKENS.relay, 'DELETE', '/api/v1/jobs/x'],
    ['', 'PUT', '/api/v1/scale'],
    ['', 'GET', '/api/v1/events'],
    ['', 'GET', '/metrics'],
    ['', 'GET', '/leader'],
  ])('with the token %j not even: %s %s', async (token, method, path) => {
    const response = await fetch(`${cluster.address}${path}`, {
      method,
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(401);
    expectNoSecrets(await response.text());
  });

  test('a relay that speaks as a worker is cut off, and one that ends another’s job does not', async () => {
    const rogue = await RogueRelay.connect(`${cluster.address}/ws/relay`, TOKENS.relay);
    rogue.hello();
    rogue.send({ type: 'state', revision: 1, ready: true, draining: false, load: null, attempts: [] });
    expect((await rogue.end()).code).toBe(4400);

    const before = (await transcoder.records()).length;
    const hook = new HookClient(cluster.socket, {
      argv: [...behaviour({ block: true }), 'x'],
      cwd: cluster.cwd,
    });
    await transcoder.waitForRecords(before + 1);
    const jobId = hook.jobId;
    const thief = await RogueRelay.connect(`${cluster.address}/ws/relay`, TOKENS.relay);
    thief.hello();
    thief.send({ type: 'end', jobId, signal: 'SIGTERM' });
    thief.send({ type: 'release', jobId });
    const own = thief.submit({ argv: ['x'], cwd: cluster.cwd });
    await thief.outcome(own);
    expect(await story(jobId)).toMatch(/"state":"(queued|running)"/);
    thief.close();
    hook.die();
  });

  test('a worker that reports what it was never given changes nothing', async () => {
    const rogue = await RogueRelay.connect(`${cluster.address}/ws/worker`, TOKENS.worker);
    rogue.send(workerHello('w1', { instance: 'rogue' }));
    expect((await rogue.end()).code).toBe(4409);
  });
});

describe('a transcoder reaches its own session at PMS, and nothing else', () => {
  const SESSION = '/video/:/transcode/session';
  let address: URL;
  let mine: HookClient;
  let other: HookClient;
  let credential: string;

  beforeAll(async () => {
    const start = async (session: string): Promise<[HookClient, string]> => {
      const marker = `red-${session}`;
      const url = `http://127.0.0.1:${portOf(pms)}${SESSION}/${session}/1/progress`;
      const argv = [...behaviour({ block: true }), '-metadata', marker, '-progressurl', url, 'x'];
      const hook = new HookClient(cluster.socket, { argv, cwd: cluster.cwd });
      for (;;) {
        const count = (await transcoder.records()).length;
        const run = (await transcoder.records()).find(({ argv: ran }) =>
          ran.some((one) => String(one) === marker),
        );
        if (run) return [hook, String(run.argv[run.argv.length - 2])];
        await transcoder.waitForRecords(count + 1);
      }
    };
    let callback: string;
    [mine, callback] = await start('mine');
    [other] = await start('other');
    address = new URL(callback);
    credential = /\/job\/([0-9a-f]{32})\//.exec(callback)?.[1] ?? '';
    expect(credential).not.toBe('');
    reachedPms = [];
  });

  afterAll(() => {
    mine.die();
    other.die();
  });

  /** Node's fetch would tidy the path up. */
  function status(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = address;
      request({ method, hostname, port, path, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
  }

  test('its own session passes', async () => {
    expect(await status('PUT', `/job/${credential}${SESSION}/mine/1/progress?progress=1`)).toBe(200);
    expect(reachedPms).toEqual([`${SESSION}/mine/1/progress?progress=1`]);
  });

  test.each<[string, number, () => string]>([
    ['without a credential', 403, () => `${SESSION}/mine/1/progress`],
    ['another job’s session', 403, () => `/job/${credential}${SESSION}/other/1/progress`],
    ['a credential that was made up', 403, () => `/job/${'0'.repeat(32)}${SESSION}/mine/1/progress`],
    ['half a credential', 403, () => `/job/${credential.slice(0, 16)}${SESSION}/mine/1/progress`],
    ['no credential at all', 404, () => `/job/${SESSION}/mine/1/progress`],
    ['the library', 403, () => `/job/${credential}/library/sections`],
    ['PMS’s settings', 403, () => `/job/${credential}/:/prefs`],
    ['a climb', 403, () => `/job/${credential}${SESSION}/mine/1/../../../../../../library/sections`],
    ['a climb, encoded', 403, () => `/job/${credential}${SESSION}/mine/1/%2e%2e/%2e%2e/%2E%2E/library`],
    ['a climb with backslashes', 403, () => `/job/${credential}${SESSION}/mine/1/..%5c..%5clibrary`],
    ['two credentials', 403, () => `/job/${credential}/job/${credential}${SESSION}/mine/1/progress`],
    ['a fragment', 403, () => `/job/${credential}/library#${SESSION}/mine/1/progress`],
    ['an absolute address', 404, () => `http://10.0.0.1:32400${SESSION}/mine/1/progress`],
    ['the root', 404, () => '/'],
    ['PMS’s identity', 404, () => '/identity'],
  ])('%s does not', async (_what, expected, path) => {
    reachedPms = [];
    expect(await status('PUT', path())).toBe(expected);
    expect(await status('GET', path(), { 'x-plex-token': PMS_TOKEN })).toBe(expected);
    expect(reachedPms).toEqual([]);
  });

  test('a credential dies with its job', async () => {
    mine.die();
    reachedPms = [];
    await cluster.relay.logged('the hook is gone: PMS ended the job, or it ran here and has ended', {
      jobId: mine.jobId,
    });
    expect(await status('PUT', `/job/${credential}${SESSION}/mine/1/progress?progress=2`)).toBe(403);
    expect(reachedPms).toEqual([]);
  });
});
