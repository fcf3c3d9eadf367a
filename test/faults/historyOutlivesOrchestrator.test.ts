import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { Peer, type RelayPeer } from '../integration/gatewayHarness.ts';
import { Part } from '../support/part.ts';
import { jobSpec } from '../unit/core/world.ts';

const SECRETS = { argv: ['-i', 'http://pms?X-Plex-Token=of-argv'], env: { X_PLEX_TOKEN: 'of-env' } };

/** Without its times: a process that stands still meanwhile, as on a busy machine, tells them anew. */
const ENDED = {
  ...{ jobId: 'a', state: 'ended', class: 'playback', title: 'a'.repeat(4_000), attempts: [] },
  outcome: { reason: 'no-worker', message: 'no worker is connected' },
  story: [{ event: 'submitted' }, { event: 'queued' }, { event: 'ended', message: 'no worker is connected' }],
};

let directory: string;
let path: string;
let orchestrator: Part | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'history-'));
  path = join(directory, 'history.sqlite');
  orchestrator = null;
});

afterEach(async () => {
  await orchestrator?.stop();
  rmSync(directory, { recursive: true });
});

/** Without workers and patience, so that every job ends at once. */
async function start(enter: readonly string[] = []): Promise<Part> {
  const env = { LISTENING_PORT: '0', HISTORY_PATH: path, QUEUE_TIMEOUT_MS: '0', RECOVERY_WINDOW_MS: '0' };
  orchestrator = new Part('orchestrator/main.ts', env, enter);
  await orchestrator.listening();
  return orchestrator;
}

async function get(part: Part, route: string) {
  const response = await fetch(`${await part.listening()}/api/v1/${route}`);
  return { status: response.status, body: JSON.parse(await response.text()) };
}

async function endJob(part: Part, jobId: string): Promise<void> {
  const address = (await part.listening()).replace('http', 'ws');
  const relay: RelayPeer = new Peer(new WebSocket(`${address}/ws/relay`, SUBPROTOCOL));
  await once(relay.socket, 'open');
  relay.send({ type: 'hello', version: '1', name: 'pms', instance: jobId, serial: 0, jobs: [] });
  relay.send({ type: 'submit', job: jobSpec(jobId, { title: jobId.repeat(4_000), ...SECRETS }), attempt: 0 });
  await part.logged('job ended', { jobId });
  relay.socket.terminate();
}

async function listed(part: Part): Promise<string[]> {
  const { body } = await get(part, 'history');
  return body.jobs.map(({ jobId }: { jobId: string }) => jobId);
}

test('a job of before a SIGKILL is there after it, with its story, and has ended', async () => {
  const before = await start();
  await endJob(before, 'a');
  expect(await listed(before)).toEqual(['a']);
  expect(await get(before, 'jobs/a')).toMatchObject({ status: 200, body: ENDED });
  await before.stop('SIGKILL');

  const after = await start();
  expect(await get(after, 'jobs/a')).toMatchObject({ status: 200, body: ENDED });
  const cancelled = await fetch(`${await after.listening()}/api/v1/jobs/a`, { method: 'DELETE' });
  expect(cancelled.status).toBe(409);
  expect((await get(after, 'jobs/b')).status).toBe(404);
  await endJob(after, 'b');
  await after.stop();
  expect(readFileSync(path, 'latin1')).not.toMatch(/of-argv|of-env/);

  const last = await start();
  expect(await listed(last)).toEqual(['b', 'a']);
  expect((await get(last, 'history?search=none')).body).toEqual({ jobs: [], next: null });
  expect((await get(last, 'history?limit=1')).body.next).toMatch(/Z,2$/);
});

test('a damaged file is put aside with one warning, and jobs are kept in a new one', async () => {
  writeFileSync(path, 'not a database '.repeat(1_000));
  const before = await start();
  await before.logged('the history was damaged: a new one is begun', { aside: `${path}.damaged` });
  await endJob(before, 'a');
  await before.stop();
  const after = await start();
  expect(await listed(after)).toEqual(['a']);
  expect(
    before.log.concat(after.log).filter(({ level, msg }) => level === 'warn' && /history/.test(`${msg}`)),
  ).toHaveLength(1);
  expect(readdirSync(directory).toSorted()).toEqual(['history.sqlite', 'history.sqlite.damaged']);
});

test('with a disk that takes no more, jobs are kept in memory, after one warning', async () => {
  // No file may become larger than 32 KB: an empty history fits, a job with a long title does not.
  const part = await start(['/bin/sh', '-c', 'ulimit -f 64; exec "$0" "$@"']);
  for (const id of ['a', 'b']) {
    await endJob(part, id);
    expect((await listed(part))[0]).toBe(id);
  }
  expect(await listed(part)).toEqual(['b', 'a']);
  expect(part.lines('the history can’t be used: finished jobs are kept in memory only')).toHaveLength(1);
  expect((await get(part, 'jobs/a')).status).toBe(200);
});
