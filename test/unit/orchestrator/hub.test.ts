import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import type { AttemptStatus } from '#shared/job.ts';
import type { ChannelHandlers } from '#shared/protocol/channel.ts';
import type { Message, RelayHello } from '#shared/protocol/messages.ts';
import { Cluster } from '../../../orchestrator/core/cluster.ts';
import { Driver } from '../../../orchestrator/driver.ts';
import { Hub } from '../../../orchestrator/gateway/hub.ts';
import { ALWAYS_LEADS, type Leadership } from '../../../orchestrator/leader/leadership.ts';
import { Records } from '../../../orchestrator/records.ts';
import { ended, jobSpec, running, SETTINGS, workerHello } from '../core/world.ts';
import { FakeClock } from './fakeClock.ts';

const HELLO: RelayHello = {
  ...{ type: 'hello', version: '1', name: 'relay', instance: 'relay', serial: 0, jobs: [] },
};

let clock: FakeClock;
let worker: ChannelHandlers<'workerToOrchestrator'>;
let relay: ChannelHandlers<'relayToOrchestrator'>;
let told: Message<'orchestratorToWorker'>[];
let toRelay: Message<'orchestratorToRelay'>[];
let cluster: Cluster;
let records: Records;
let leadership: { -readonly [K in keyof Leadership]: Leadership[K] };

beforeEach(async () => {
  clock = new FakeClock();
  told = [];
  toRelay = [];
  leadership = { ...ALWAYS_LEADS, term: 3 };
  cluster = new Cluster(SETTINGS, 0);
  records = new Records(cluster);
  const driver = new Driver(cluster, clock);
  const hub = new Hub({
    ...{ driver, leadership, silenceMs: 10_000, clock, logger: pino({ level: 'silent' }) },
    records,
  });
  hub.acceptWorker((handlers) => {
    worker = handlers;
    return { send: (message) => void told.push(message), close: () => undefined };
  });
  hub.acceptRelay((handlers) => {
    relay = handlers;
    return { send: (message) => void toRelay.push(message), close: () => undefined };
  });
  worker.message(workerHello('w1', { slots: 9 }));
  relay.message(HELLO);
  await turn();
});

/** The jobs of each list that the worker was sent since the last question. */
function lists(): string[][] {
  const sent = told.splice(0).flatMap((message) => (message.type === 'desired' ? [message.attempts] : []));
  return sent.map((attempts) => attempts.map(({ jobId }) => jobId));
}

async function report(...attempts: AttemptStatus[]): Promise<void> {
  worker.message({ type: 'state', revision: 9, ready: true, draining: false, load: null, attempts });
  await turn();
}

async function submit(jobId: string): Promise<void> {
  relay.message({ type: 'submit', job: jobSpec(jobId), attempt: 0 });
  await turn();
}

test('a new job is told at once; that an ended one is off the list goes with the next, or a little later', async () => {
  lists();
  await submit('j1');
  await submit('j2');
  expect(lists()).toEqual([['j1'], ['j1', 'j2']]);
  await report(ended('j1', { exitCode: 0 }), running('j2', 1));
  relay.message({ type: 'release', jobId: 'j1' });
  await turn();
  expect(lists()).toEqual([]);
  await submit('j3');
  expect(lists()).toEqual([['j2', 'j3']]);
  await report(ended('j2', { exitCode: 0 }), running('j3', 1));
  relay.message({ type: 'release', jobId: 'j2' });
  await turn();
  expect(lists()).toEqual([]);
  clock.advance(50);
  await turn();
  expect(lists()).toEqual([['j3']]);
});

test('every welcome and every list names the term', async () => {
  await submit('j1');
  const terms = [...told, ...toRelay].map((message) => ('term' in message ? message.term : message.type));
  expect(terms).toEqual([3, 3, 'job', 3, 3, 3]);
});

test('who does not lead any more says nothing, though it has not noticed yet', async () => {
  leadership.leads = false;
  toRelay.length = 0;
  await submit('j1');
  expect([lists().flat(), toRelay]).toEqual([[], []]);
});

test('that a running job is to end is told at once', async () => {
  await submit('j1');
  await report(running('j1', 1));
  lists();
  relay.message({ type: 'release', jobId: 'j1' });
  await turn();
  expect(lists()).toEqual([['j1']]);
});

test('of stderr all is kept that passes, whatever was said on stdout before', async () => {
  await submit('j1');
  await report(running('j1', 1));
  const say = (offset: number, stream: 'stdout' | 'stderr', text: string) =>
    worker.message({
      ...{ type: 'output', jobId: 'j1', attempt: 1, offset, stream },
      data: Buffer.from(text).toString('base64'),
    });
  say(0, 'stdout', 'film');
  say(4, 'stderr', 'why');
  const attempt = cluster.jobs.get('j1')?.current;
  expect(attempt && records.stderrOf(attempt).toString()).toBe('why');
  expect(attempt && records.isCut(attempt)).toBe(false);
});
