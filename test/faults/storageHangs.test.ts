import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { FuseMount } from '../support/fuseMount.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'storage-hangs-'));
const media = join(directory, 'media');
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  mkdirSync(media);
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: [], transcoderDirectory: directory, env: { STALL_MS: '3000' } });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a mount that hangs: ${obstacle}\n`);

test.runIf(obstacle === null)(
  'a worker whose mount hangs is not ready within 10 s, still answers, and what stands still there moves',
  async () => {
    const mounts = `${cluster.directory}:rw,${media}:ro`;
    const worker = await cluster.startWorker('w1', { MOUNTS: mounts });
    const address = await worker.listening();
    const hook = cluster.startHook(behaviour({ log: 'here' }, { busy: true }));
    await hook.spoke;
    const mount = await FuseMount.hung(media);
    try {
      const since = performance.now();
      await cluster.orchestrator.logged('worker changed', { worker: 'w1', ready: false });
      expect(performance.now() - since).toBeLessThan(10_000);
      const asked = performance.now();
      const ready = await fetch(`${address}/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.text()).toContain(`${media} does not answer within`);
      expect(performance.now() - asked).toBeLessThan(3_000);
      // Its storage is elsewhere.
      await cluster.startWorker('w2');
      await cluster.orchestrator.logged('job started', { worker: 'w2', attempt: 2 });
    } finally {
      mount.remove();
    }
    await cluster.orchestrator.logged('worker changed', { worker: 'w1', ready: true });
    process.kill(hook.pid, 'SIGTERM');
    expect((await hook.exited).code).toBe(143);
  },
);
