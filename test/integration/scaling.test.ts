import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { FakeScaleApi } from '../support/fakeScaleApi.ts';
import { HookClient } from '../support/hookClient.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'scaling-'));
const specPath = join(directory, 'scale.yaml');
let recorder: RecordingTranscoder;
let api: FakeScaleApi;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  api = await FakeScaleApi.start({ namespace: 'plex', name: 'w', replicas: 1 });
  const apply = { statefulSet: 'w' };
  const group = { scalable: 'local', minimum: 1, maximum: 3, stabilisationSeconds: 0, apply };
  writeFileSync(specPath, JSON.stringify({ groups: { default: group } }));
  cluster = await Cluster.start({
    ...{ workers: ['w-0'], transcoderDirectory: directory, slots: 1 },
    env: {
      ...{ SCALE_SPEC: specPath, KUBECONFIG: api.kubeconfig, QUEUE_TIMEOUT_MS: '60000' },
      SCALE_SETTLE_MS: '0',
      HISTORY_PATH: join(directory, 'history.sqlite'),
    },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  await api.stop();
  rmSync(directory, { recursive: true });
});

async function put(body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'PUT', headers, body: JSON.stringify(body) };
  return (await fetch(`${cluster.address}/api/v1/scale`, init)).json();
}

/** A film that plays until it is told to come to its end. */
async function film(title: string) {
  const argv = [...behaviour({ onTerm: 0 }, { block: true }), '-metadata', title, '-f', 'dash'];
  const client = new HookClient(cluster.socket, { argv, cwd: cluster.cwd });
  await cluster.orchestrator.logged('job started', { jobId: client.jobId });
  const pid = await pidOf(title);
  return {
    workers: cluster.orchestrator.lines('job started', { jobId: client.jobId }).map(({ worker }) => worker),
    async end() {
      process.kill(pid, 'SIGTERM');
      expect(await client.verdict).toBe('exit 0');
    },
  };
}

/** Of the transcoder: among those that only told their workers what they can do. */
async function pidOf(title: string): Promise<number> {
  for (let records = await recorder.records(); ; ) {
    const run = records.find(({ argv }) => argv.some((element) => element.toString() === title));
    if (run) return run.pid;
    records = await recorder.waitForRecords(records.length + 1);
  }
}

test('a burst adds workers; when it is over the highest goes first, and a film on one plays to its end', async () => {
  const one = await film('one');
  expect(one.workers).toEqual(['w-0']);
  expect(await put({ burst: { workers: 3, minutes: 2 / 60 } })).toMatchObject({
    ...{ desired: 3, current: 1, deviation: -2, desiredWorkers: 3 },
    groups: [{ name: 'default', scalable: 'local', reason: 'burst', setBy: 'file', problem: null }],
  });
  await api.reaches(3);
  // Who waits keeps one of the two, should the burst be over before they are there.
  const waiting = film('two');
  const first = await cluster.startWorker('w-1');
  const two = await waiting;
  const second = await cluster.startWorker('w-2');
  expect(two.workers).toEqual(['w-1']);

  await cluster.orchestrator.logged('worker changed', { worker: 'w-2', draining: true, running: 0 });
  await api.reaches(2);
  expect(await second.stop()).toEqual({ code: 0, signal: null });
  await one.end();
  await cluster.orchestrator.logged('worker changed', { worker: 'w-1', draining: true, running: 1 });
  expect(await cluster.api('/api/v1/workers/w-1')).toMatchObject({
    ...{ state: 'draining', leaving: true, running: 1 },
  });
  const three = await film('three');
  expect(three.workers).toEqual(['w-0']);
  await cluster.orchestrator.logged('worker changed', { worker: 'w-1', draining: false, running: 1 });
  await three.end();
  await cluster.orchestrator.logged('worker changed', { worker: 'w-1', draining: true, running: 1 }, 2);
  expect(api.set).toEqual([3, 2]);
  await two.end();
  await api.reaches(1);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  expect(api.set).toEqual([3, 2, 1]);
  expect(JSON.parse(readFileSync(join(directory, 'scale-bursts.json'), 'utf8'))).toMatchObject({
    bursts: [{ group: 'default', workers: 3 }],
  });
});
