import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import { allEnded } from '../support/processes.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const JOBS = 1_000;
const WORKERS = Array.from({ length: 10 }, (_, index) => `w${index}`);

const directory = mkdtempSync(join(tmpdir(), 'burst-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: WORKERS, slots: JOBS, transcoderDirectory: directory });
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

test('a burst of 1,000 jobs over 10 workers lands 100 on each, and ends with its hooks', async () => {
  const hooks = Array.from({ length: JOBS }, () => {
    return new HookClient(cluster.socket, { argv: behaviour({ block: true }), cwd: cluster.cwd });
  });
  const placed = (): Map<unknown, number> => {
    const counts = new Map<unknown, number>();
    for (const { msg, worker } of cluster.orchestrator.log) {
      if (msg === 'job started') counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    return counts;
  };
  await cluster.orchestrator.until(
    () => [...placed().values()].reduce((sum, count) => sum + count, 0) === JOBS,
  );
  expect(Object.fromEntries(placed())).toEqual(
    Object.fromEntries(WORKERS.map((name) => [name, JOBS / WORKERS.length])),
  );
  // Nobody was queued again, and nobody had to wait for a slot.
  expect(cluster.orchestrator.log.filter(({ msg }) => msg === 'job placed')).toHaveLength(JOBS);

  const pids = (await recorder.waitForRecords(JOBS)).map(({ pid }) => pid);
  for (const hook of hooks) hook.die();
  await allEnded(pids);
  await cluster.orchestrator.until(
    () => cluster.orchestrator.log.filter(({ msg }) => msg === 'job ended').length === JOBS,
  );
}, 120_000);
