import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'worker-stopped-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: ['w1'], transcoderDirectory: directory });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

test('a worker that stops says so before its last transcoder has ended, and is given nothing more', async () => {
  const remote = { env: { TRANSCODE_OPERATING_MODE: 'remote' } };
  const hook = cluster.startHook(behaviour({ ignore: 'TERM' }, { output: 1 }, { block: true }), remote);
  await hook.spoke;
  cluster.workers.get('w1')?.child.kill('SIGTERM');
  await cluster.orchestrator.logged('worker changed', { worker: 'w1', draining: true, running: 1 });
  await cluster.workers.get('w1')?.exited;
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(143);
});

test('what somebody watches may go on while the worker drains; background jobs move at once', async () => {
  const first = await cluster.startWorker('w2', { DRAIN_TIMEOUT_MS: '60000' });
  const film = cluster.startHook([
    ...behaviour({ onTerm: 31 }, { log: 'here' }, { block: true }),
    ...['-f', 'dash'],
  ]);
  const scan = cluster.startHook(behaviour({ log: 'here' }, { block: true }));
  await Promise.all([film.spoke, scan.spoke]);
  await cluster.startWorker('w3');
  first.child.kill('SIGTERM');
  await cluster.orchestrator.logged('job started', { worker: 'w3', attempt: 2 });
  const jobs = await cluster.api('/api/v1/jobs?state=running');
  expect(jobs).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ class: 'playback', worker: 'w2', attempt: 1 }),
      expect.objectContaining({ class: 'background', worker: 'w3', attempt: 2 }),
    ]),
  );
  // Its last viewer goes, and so does the worker.
  process.kill(film.pid, 'SIGTERM');
  expect((await film.exited).code).toBe(31);
  expect(await first.exited).toEqual({ code: 0, signal: null });
  process.kill(scan.pid, 'SIGTERM');
  await scan.exited;
});
