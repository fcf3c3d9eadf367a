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
  const hook = cluster.startHook(behaviour({ ignore: 'TERM' }, { output: 1 }, { block: true }));
  await hook.spoke;
  cluster.workers.get('w1')?.child.kill('SIGTERM');
  await cluster.orchestrator.logged('worker changed', { worker: 'w1', draining: true, running: 1 });
  await cluster.workers.get('w1')?.exited;
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(143);
});
