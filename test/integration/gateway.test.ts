import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { jobSpec, workerHello } from '../unit/core/world.ts';
import { GatewayHarness, type Peer, TOKENS, until, type WorkerPeer } from './gatewayHarness.ts';

/** Proves that the connections live and that the orchestrator serves them. */
async function expectUndisturbed(harness: GatewayHarness, worker: WorkerPeer): Promise<void> {
  const ops = harness.clock.now() + 1;
  worker.send({ ...idle(), load: { cpu: 1, ops } });
  await until(() => harness.driver.cluster.workers.get('w')?.load.ops === ops, 'the state to be read');
  expect(worker.closed).toBeNull();
}

function idle() {
  return {
    type: 'state' as const,
    revision: 99,
    ready: true,
    draining: false,
    load: null,
    attempts: [],
  };
}

describe('an upgrade', () => {
  test.each([
    ['without a token', '/ws/worker', null, 401],
    ['with a wrong token', '/ws/worker', 'nonsense', 401],
    ['with a token that begins with the right one', '/ws/worker', `${TOKENS.worker}x`, 401],
    ["of a worker with a relay's token", '/ws/worker', TOKENS.relay, 401],
    ["of a relay with a worker's token", '/ws/relay', TOKENS.worker, 401],
    ["of a relay with the admin's token", '/ws/relay', TOKENS.admin, 401],
    ['of another path', '/ws/admin', TOKENS.worker, 404],
    ['of the root', '/', TOKENS.worker, 404],
    ['of a path below', '/ws/worker/x', TOKENS.worker, 404],
    ['of a worker', '/ws/worker', TOKENS.worker, 101],
    ['of a relay', '/ws/relay?x=1', TOKENS.relay, 101],
  ])('%s is answered with its status: %s', async (_, path, token, status) => {
    const harness = await GatewayHarness.start();
    expect(await harness.upgradeStatus(path, { token })).toBe(status);
  });

  test('without our subprotocol is refused with 400, and one among others will do', async () => {
    const harness = await GatewayHarness.start();
    const { worker: token } = TOKENS;
    expect(await harness.upgradeStatus('/ws/worker', { token, protocols: [] })).toBe(400);
    expect(await harness.upgradeStatus('/ws/worker', { token, protocols: ['clusterplex.v2'] })).toBe(400);
    expect(await harness.upgradeStatus('/ws/worker', { token, protocols: ['x', SUBPROTOCOL] })).toBe(101);
  });

  test('asks for no token where none is set', async () => {
    const harness = await GatewayHarness.start({ relay: null, worker: 'w', admin: null });
    expect(await harness.upgradeStatus('/ws/relay', {})).toBe(101);
    expect(await harness.upgradeStatus('/ws/worker', {})).toBe(401);
  });
});

describe('hello', () => {
  test('is answered with welcome before anything else', async () => {
    const harness = await GatewayHarness.start();
    const worker = await harness.worker('w');
    expect(worker.types()).toEqual(['welcome', 'desired']);
    expect(worker.received[0]).toMatchObject({ heartbeatMs: 3_333, term: 0 });
    expect(worker.received[1]).toEqual({ type: 'desired', term: 0, revision: 1, attempts: [] });
  });

  test('must come within 3 s, and once it has come there is no such deadline', async () => {
    const harness = await GatewayHarness.start();
    const silent = await harness.stranger('relay');
    const worker = await harness.worker('w');
    harness.clock.advance(2_999);
    await expectUndisturbed(harness, worker);
    expect(silent.closed).toBeNull();
    harness.clock.advance(1);
    expect(await silent.end()).toMatch(/^4408 .*3000 ms/);
    await expectUndisturbed(harness, worker);
  });

  test('is accepted once', async () => {
    const harness = await GatewayHarness.start();
    const worker = await harness.worker('w');
    worker.send(workerHello('w'));
    expect(await worker.end()).toBe('4403 a second hello');
    const relay = await harness.relay();
    relay.send({ type: 'hello', version: '1', name: 'r', instance: 'i', serial: 0, jobs: [] });
    expect(await relay.end()).toBe('4403 a second hello');
  });

  test('comes before everything else', async () => {
    const harness = await GatewayHarness.start();
    const worker = await harness.stranger('worker');
    worker.send(idle());
    expect(await worker.end()).toBe('4403 state before hello');
    const relay = await harness.stranger('relay');
    relay.send({ type: 'submit', job: jobSpec('j'), attempt: 0 });
    expect(await relay.end()).toBe('4403 submit before hello');
    expect(harness.driver.cluster.jobs.size).toBe(0);
  });

  test('of another process with the name of a live worker closes the newcomer', async () => {
    const harness = await GatewayHarness.start();
    const worker = await harness.worker('w');
    const second = await harness.stranger('worker');
    second.send(workerHello('w', { instance: 'another' }));
    expect(await second.end()).toMatch(/^4409 .*WORKER_NAME/);
    expect(second.received).toEqual([]);
    await expectUndisturbed(harness, worker);
  });

  test('of the same process closes its older connection', async () => {
    const harness = await GatewayHarness.start();
    const [worker, relay] = [await harness.worker('w'), await harness.relay()];
    const [second, secondRelay] = [await harness.worker('w'), await harness.relay()];
    expect(await worker.end()).toMatch(/^4410 /);
    expect(await relay.end()).toMatch(/^4410 /);
    await expectUndisturbed(harness, second);
    expect(harness.driver.cluster.relays).toHaveLength(1);
    expect(secondRelay.closed).toBeNull();
  });
});

describe('what breaks the rules closes its own connection only', () => {
  test.each<[string, string | Buffer, RegExp]>([
    ['text that is not JSON', '{"type":', /^4400 not JSON/],
    ['a binary frame', Buffer.from('{"type":"release","jobId":"j"}'), /^4400 binary frame/],
    ['an unknown message', '{"type":"start"}', /^4400 no such message: "start"/],
    ['a message of a worker', JSON.stringify(idle()), /^4400 no such message: "state"/],
    ['a wrong field', '{"type":"release","jobId":7}', /^4400 release: \/jobId /],
    ['a missing field', '{"type":"release"}', /^4400 release: .*jobId/],
    ['a field too many', '{"type":"release","jobId":"j","x":1}', /^4400 release: \/x /],
    [
      'a reason that is too long for a close frame',
      `{"type":"${'é'.repeat(200)}"}`,
      /^4400 no such message: /,
    ],
    ['a message over 16 MiB', `"${'x'.repeat(MAX_MESSAGE_BYTES)}"`, /^1009/],
  ])('%s', async (_, frame, expected) => {
    const harness = await GatewayHarness.start();
    const worker = await harness.worker('w');
    const good = await harness.relay('good');
    const bad = await harness.relay('bad');
    bad.socket.send(frame);
    expect(await bad.end()).toMatch(expected);
    await until(() => harness.driver.cluster.relays.length === 1, 'the relay to be gone');
    good.send({ type: 'submit', job: jobSpec('j'), attempt: 0 });
    expect((await good.next('status')).worker).toBe('w');
    await expectUndisturbed(harness, worker);
  });

  test('a message of just under 16 MiB is read', async () => {
    const harness = await GatewayHarness.start();
    await harness.worker('w');
    const relay = await harness.relay();
    const argv = ['x'.repeat(MAX_MESSAGE_BYTES - 10_000)];
    relay.send({ type: 'submit', job: jobSpec('j', { argv }), attempt: 0 });
    expect((await relay.next('status')).state).toBe('running');
  });

  test('a defect of ours', async () => {
    const harness = await GatewayHarness.start();
    const worker = await harness.worker('w');
    const relay = await harness.relay();
    harness.driver.observe((effect) => {
      // Of the relay's message, and not of what the worker says afterwards of the same job.
      if (effect.type === 'job-changed' && relay.closed === null)
        throw new Error('a defect with a secret in it');
    });
    relay.send({ type: 'submit', job: jobSpec('j'), attempt: 0 });
    expect(await relay.end()).toBe('4500 internal error');
    expect(harness.logged.join('')).toContain('a defect with a secret in it');
    await expectUndisturbed(harness, worker);
  });
});

describe('silence', () => {
  test('ends a connection after three heartbeats, and a ping is not silence', async () => {
    const harness = await GatewayHarness.start();
    const pinging: WorkerPeer = await harness.worker('w');
    const silent: Peer<'workerToOrchestrator', 'orchestratorToWorker'> = await harness.worker('silent');
    harness.clock.advance(6_000);
    pinging.socket.ping();
    await new Promise((resolve) => pinging.socket.once('pong', resolve));
    await turn();
    harness.clock.advance(4_000);
    await silent.end();
    expect(harness.logged.join('')).toMatch(/"code":"?(silent|4440)/);
    expect(harness.driver.cluster.workers.get('silent')?.connection).toBeNull();
    await expectUndisturbed(harness, pinging);
  });
});

describe('shutting down', () => {
  test('closes every connection with a code that says come back at once, and admits nobody', async () => {
    const harness = await GatewayHarness.start();
    const [worker, relay, stranger] = [
      await harness.worker('w'),
      await harness.relay(),
      await harness.stranger('relay'),
    ];
    const closed = harness.gateway.close();
    for (const peer of [worker, relay, stranger]) expect(await peer.end()).toMatch(/^4503 /);
    expect(await harness.upgradeStatus('/ws/worker', { token: TOKENS.worker })).toBe(503);
    await closed;
  });
});
