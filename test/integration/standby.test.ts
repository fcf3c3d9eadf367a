import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '#shared/clock.ts';
import { SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { readSettings } from '#shared/settings/read.ts';
import { orchestratorSettings } from '../../orchestrator/config.ts';
import { type RunningOrchestrator, startOrchestrator } from '../../orchestrator/server.ts';
import { runHere } from '../support/cli.ts';
import { FakeKubernetes } from '../support/fakeKubernetes.ts';

/** The first request takes a while on a busy machine. */
const BUSY = { timeout: 15_000 };

let kubernetes: FakeKubernetes;
let directory: string;
let orchestrator: RunningOrchestrator;

beforeEach(async () => {
  kubernetes = await FakeKubernetes.start();
  directory = mkdtempSync(join(tmpdir(), 'standby-'));
  kubernetes.addPod('a');
  kubernetes.steal('b_1');
  orchestrator = await start();
});

function start(): Promise<RunningOrchestrator> {
  const kubeconfig = join(directory, 'kubeconfig');
  kubernetes.writeKubeconfig(kubeconfig, 'a');
  const settings = readSettings(
    orchestratorSettings,
    {
      ...{ LISTENING_PORT: '0', LEADER_ELECTION: 'lease', KUBECONFIG: kubeconfig, POD_NAME: 'a' },
      ...{ LEASE_RETRY_MS: '100', LEASE_RENEW_DEADLINE_MS: '5000' },
    },
    () => '',
  );
  return startOrchestrator(settings, systemClock, pino({ level: 'silent' }));
}

afterEach(async () => {
  kubernetes.trouble = () => null;
  await orchestrator.stop();
  await kubernetes.close();
  rmSync(directory, { recursive: true });
});

async function get(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(`${orchestrator.address}${path}`, init);
  return { status: response.status, text: await response.text() };
}

/** It knows who leads. */
function standsBy(): Promise<void> {
  return vi.waitFor(async () => {
    const { status, text } = await get('/ready');
    expect([status, JSON.parse(text)]).toEqual([200, { ready: true, role: 'standby', holder: 'b_1' }]);
  }, BUSY);
}

function dial(): WebSocket {
  const socket = new WebSocket(`${orchestrator.address.replace('http', 'ws')}/ws/worker`, SUBPROTOCOL);
  socket.on('error', () => undefined);
  return socket;
}

test('a standby is healthy and ready, and refuses all else with the name of the leader', async () => {
  await standsBy();
  expect(await get('/health')).toEqual({ status: 200, text: 'Healthy' });
  const refused = [
    await get('/leader'),
    await get('/'),
    await get('/api/v1/jobs'),
    await get('/api/v1/workers/w1/drain', { method: 'POST' }),
    await get('/nothing'),
  ];
  for (const { status, text } of refused) {
    expect(status).toBe(421);
    expect(JSON.parse(text)).toMatchObject({
      error: { code: 'not-leader', message: 'this orchestrator stands by; b_1 leads' },
    });
  }
  await expect(once(dial(), 'open')).rejects.toThrow('421');
});

test('one that can’t read the Lease could not take over: it is not ready, and says why', async () => {
  kubernetes.trouble = () => ({ do: 'refuse', status: 403, message: 'leases is forbidden' });
  const blind = await start();
  onTestFinished(() => blind.stop());
  await vi.waitFor(async () => {
    const response = await fetch(`${blind.address}/ready`);
    const reason = "the Lease can't be read: HTTP 403 leases is forbidden";
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, role: 'standby', reason },
    ]);
  }, BUSY);
});

test('the command line names the leader, or says where to ask', async () => {
  await standsBy();
  const settings = { ORCHESTRATOR_URL: orchestrator.address };
  expect((await runHere(['status'], settings)).stderr).toContain('stands by; b_1 leads');
  kubernetes.putLease({ holderIdentity: '' });
  await kubernetes.until(() => kubernetes.leaders.join() === 'a');
  expect((await runHere(['status'], settings)).stdout).toMatch(/\nleader +a_[0-9a-f-]+\n/);
});

test('of its metrics it tells only that it does not lead, until it does', async () => {
  await standsBy();
  const values = async () => {
    const lines = (await get('/metrics')).text
      .split('\n')
      .filter((line) => /^(clusterplex_leader|workers_active)/.test(line));
    return lines.toSorted();
  };
  expect(await values()).toEqual(['clusterplex_leader 0', 'clusterplex_leader_term 0']);
  kubernetes.putLease({ holderIdentity: '', leaseTransitions: 6 });
  await kubernetes.until(() => kubernetes.leaders.join() === 'a');
  expect(await values()).toEqual(['clusterplex_leader 1', 'clusterplex_leader_term 7', 'workers_active 0']);
  expect(JSON.parse((await get('/ready')).text)).toMatchObject({ ready: true, role: 'leader' });
  expect(await get('/leader')).toEqual({ status: 200, text: '{"leader":true}' });
});

test('a burst goes on with the next leader', async () => {
  kubernetes.putLease({ holderIdentity: '' });
  await kubernetes.until(() => kubernetes.leaders.join() === 'a');
  const burst = { workers: 4, minutes: 30 };
  const headers = { 'content-type': 'application/json' };
  const { status } = await get('/api/v1/scale', { method: 'PUT', headers, body: JSON.stringify({ burst }) });
  expect(status).toBe(200);
  await kubernetes.until(() => kubernetes.leaseNote?.includes('"workers":4') === true);
  kubernetes.steal('b_2');
  await orchestrator.deposed;
  await orchestrator.stop();
  orchestrator = await start();
  kubernetes.release();
  await vi.waitFor(async () => {
    const { text } = await get('/api/v1/scale');
    expect(JSON.parse(text)).toMatchObject({ desired: 4, groups: [{ reason: 'burst' }] });
  }, BUSY);
});

test('one that has been deposed tells its peers at once, and has nothing to say any more', async () => {
  kubernetes.putLease({ holderIdentity: '' });
  await kubernetes.until(() => kubernetes.leaders.join() === 'a');
  const socket = dial();
  await once(socket, 'open');
  kubernetes.steal('b_2');
  const [code] = await once(socket, 'close');
  expect(code).toBe(4421);
  await orchestrator.deposed;
  expect((await get('/api/v1/jobs')).status).toBe(421);
});
