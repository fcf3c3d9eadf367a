import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { OUTPUT_CHUNK_BYTES } from '#shared/protocol/messages.ts';
import { jobSpec, running } from '../unit/core/world.ts';
import { GatewayHarness, type RelayPeer, until, type WorkerPeer } from './gatewayHarness.ts';

/** Returns when the orchestrator has read everything that the worker sent before. */
async function flushed(harness: GatewayHarness, worker: WorkerPeer, name: string): Promise<void> {
  const ops = (harness.driver.cluster.workers.get(name)?.load.ops ?? 0) + 1;
  const attempts = [...(harness.driver.cluster.workers.get(name)?.attempts.keys() ?? [])];
  worker.send({
    type: 'state',
    revision: 0,
    ready: true,
    draining: false,
    load: { cpu: 0, ops },
    attempts: attempts.map((jobId) => running(jobId)),
  });
  await until(() => harness.driver.cluster.workers.get(name)?.load.ops === ops, 'the worker to be heard');
}

function output(jobId: string, attempt: number, data: string) {
  return { type: 'output', jobId, attempt, offset: 0, stream: 'stderr', data } as const;
}

async function withJob() {
  const harness = await GatewayHarness.start();
  const worker = await harness.worker('w');
  const relay = await harness.relay();
  relay.send({ type: 'submit', job: jobSpec('j'), attempt: 0 });
  await worker.next('desired');
  await relay.next('status');
  return { harness, worker, relay };
}

/** The relay's submissions as they come from one read of its socket: in one turn. */
function submitAll(harness: GatewayHarness, jobIds: string[], local = true): void {
  const connection = harness.driver.cluster.relays[0]?.connection ?? 0;
  for (const jobId of jobIds) {
    const message = { type: 'submit', job: jobSpec(jobId, { local }), attempt: 0 } as const;
    harness.driver.handle({ type: 'relay-message', connection, message });
  }
}

test('a burst of submissions in one turn is one list for the worker, and one status for each job', async () => {
  const harness = await GatewayHarness.start();
  const worker = await harness.worker('w', { slots: 100 });
  const relay = await harness.relay();
  const jobIds = Array.from({ length: 50 }, (_, index) => `j${index}`);
  submitAll(harness, jobIds);
  const desired = await worker.next('desired');
  expect(desired.attempts.map(({ jobId }) => jobId)).toEqual(jobIds);
  expect(desired.revision).toBe(51);
  expect(worker.types()).toEqual(['welcome', 'desired', ...jobIds.map(() => 'job'), 'desired']);
  await until(() => relay.received.length >= 51, 'the statuses');
  const statuses = relay.received.flatMap((message) => (message.type === 'status' ? [message] : []));
  expect(statuses.map(({ jobId, state, worker: name }) => `${jobId} ${state} ${name}`)).toEqual(
    jobIds.map((jobId) => `${jobId} running w`),
  );
});

test('a job is sent once on a connection, before the first list that names it', async () => {
  const harness = await GatewayHarness.start();
  const worker = await harness.worker('w', { slots: 9 });
  await harness.relay();
  submitAll(harness, ['one']);
  await worker.next('desired');
  submitAll(harness, ['two']);
  await worker.next('desired');
  expect(worker.types().slice(2)).toEqual(['job', 'desired', 'job', 'desired']);
  expect(worker.received.flatMap((message) => (message.type === 'job' ? [message.job.jobId] : []))).toEqual([
    'one',
    'two',
  ]);

  const again = await harness.worker('w', { slots: 9, attempts: [running('one')] });
  expect(again.types()).toEqual(['welcome', 'job', 'desired']);
  expect(again.received[1]).toMatchObject({ job: { jobId: 'two' } });
});

test('the job arrives as it was submitted, byte for byte', async () => {
  const harness = await GatewayHarness.start();
  const worker = await harness.worker('w');
  const relay = await harness.relay();
  const odd = { base64: Buffer.from('/mnt/m\xe9dia', 'latin1').toString('base64') };
  const job = jobSpec('j', { argv: ['-i', odd, "it's \n\u202e🎬 $Number%05d$"], env: { A: odd }, cwd: odd });
  relay.send({ type: 'submit', job, attempt: 0 });
  expect(await worker.next('job')).toEqual({
    type: 'job',
    job,
    resume: null,
    software: false,
    encoder: null,
    gpu: null,
  });
});

test("output passes from the current attempt's worker to the relay that holds the hook, and from nobody else", async () => {
  const { harness, worker, relay } = await withJob();
  const other = await harness.worker('other');
  const bystander = await harness.relay('bystander');
  other.send(output('j', 1, 'b3RoZXI='));
  await flushed(harness, other, 'other');
  worker.send(output('j', 2, 'bGF0ZXI='));
  worker.send(output('unknown', 1, 'bm8='));
  worker.send(output('j', 1, 'eWVz'));
  expect(await relay.next('output')).toEqual(output('j', 1, 'eWVz'));
  await flushed(harness, worker, 'w');
  expect(relay.types().filter((type) => type === 'output')).toHaveLength(1);
  expect(bystander.types()).toEqual(['welcome']);
});

test('output of a job without a relay goes nowhere, and of one that came back to its relay', async () => {
  const { harness, worker, relay } = await withJob();
  relay.socket.terminate();
  await until(() => harness.driver.cluster.relays.length === 0, 'the relay to be gone');
  worker.send(output('j', 1, 'bG9zdA=='));
  await flushed(harness, worker, 'w');
  const again = await harness.relay();
  again.send({ type: 'submit', job: jobSpec('j'), attempt: 1 });
  await again.next('status');
  worker.send(output('j', 1, 'eWVz'));
  expect((await again.next('output')).data).toBe('eWVz');
});

test("what the hook received is told to the current attempt's worker, by the relay that holds it", async () => {
  const { harness, worker, relay } = await withJob();
  const bystander = await harness.relay('bystander');
  const received = { type: 'received', jobId: 'j', attempt: 1, offset: 5, again: false } as const;
  bystander.send({ ...received, offset: 1 });
  bystander.send({ type: 'submit', job: jobSpec('k', { local: false }), attempt: 0 });
  await bystander.next('status');
  relay.send({ ...received, attempt: 2, offset: 2 });
  relay.send({ ...received, jobId: 'unknown', offset: 3 });
  relay.send(received);
  relay.send({ ...received, offset: 6, again: true });
  expect(await worker.next('received')).toEqual(received);
  expect(await worker.next('received')).toEqual({ ...received, offset: 6, again: true });
});

test('a relay that reads nothing is closed as too slow at a bound, and nobody else suffers', async () => {
  const { harness, worker, relay } = await withJob();
  const other: RelayPeer = await harness.relay('other');
  relay.socket.pause();
  const chunk = output('j', 1, Buffer.alloc(OUTPUT_CHUNK_BYTES).toString('base64'));
  const sendChunks = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) worker.send(chunk);
    await flushed(harness, worker, 'w');
  };
  await sendChunks(300);
  expect(harness.driver.cluster.relays).toHaveLength(2);
  // 300 chunks are 26 MB. The bound is 32 MiB, and the kernel holds some MB besides.
  await sendChunks(300);
  expect(harness.driver.cluster.relays.map(({ name }) => name)).toEqual(['other']);
  expect(harness.logged.join('')).toMatch(/"code":4429/);
  other.send({ type: 'submit', job: jobSpec('j'), attempt: 1 });
  expect((await other.next('status')).state).toBe('running');
  worker.send(output('j', 1, 'eWVz'));
  expect((await other.next('output')).data).toBe('eWVz');
});

test('a status that comes up while others are being sent is not lost', async () => {
  const harness = await GatewayHarness.start();
  const worker = await harness.worker('w');
  const waiting = await harness.relay('waiting');
  const slow = await harness.relay('slow');
  submitAll(harness, ['running', 'waits'], false);
  await worker.next('desired');
  await until(() => waiting.received.length === 3, 'both statuses');
  // In one turn both relays are to be told something, `waiting` first; then time passes, and `slow` turns out to be
  // too slow. Its end is an event like any other, with which the queue deadline of `waits` falls due.
  submitAll(harness, ['more'], false);
  const message = { type: 'submit', job: jobSpec('slow', { local: false }), attempt: 0 } as const;
  const connection = harness.driver.cluster.relays[1]?.connection ?? 0;
  harness.driver.handle({ type: 'relay-message', connection, message });
  harness.clock.time += 5_000;
  const full = vi.spyOn(WebSocket.prototype, 'bufferedAmount', 'get');
  full.mockReturnValueOnce(0).mockReturnValueOnce(2 ** 30);
  try {
    await slow.end();
  } finally {
    full.mockRestore();
  }
  expect(harness.driver.cluster.jobs.get('waits')?.outcome?.reason).toBe('no-worker');
  // Whatever was sent before the answer to a ping has arrived before it.
  waiting.socket.ping();
  await once(waiting.socket, 'pong');
  expect(waiting.received).toContainEqual(expect.objectContaining({ jobId: 'waits', state: 'ended' }));
});
