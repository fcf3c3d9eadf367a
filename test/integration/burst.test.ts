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
  const said = (message: string) => cluster.orchestrator.log.filter(({ msg }) => msg === message);
  await cluster.orchestrator.until(
    () => new Set(said('job started').map(({ jobId }) => jobId)).size === JOBS,
  );
  const placed = said('job placed');
  const first = Map.groupBy(
    placed.filter(({ attempt }) => attempt === 1),
    ({ worker }) => worker,
  );
  expect(Object.fromEntries([...first].map(([worker, jobs]) => [worker, jobs.length]))).toEqual(
    Object.fromEntries(WORKERS.map((name) => [name, JOBS / WORKERS.length])),
  );
  // A machine that is short of something may fail to start one of a thousand processes, whose job goes elsewhere.
  const again = placed.filter(({ attempt }) => attempt !== 1).map(({ reason }) => reason);
  if (again.length > 0) process.stderr.write(`burst, placed again: ${JSON.stringify(again)}\n`);
  expect(again.length).toBeLessThanOrEqual(JOBS / 100);

  const pids = (await recorder.waitForRecords(JOBS)).map(({ pid }) => pid);
  for (const hook of hooks) hook.die();
  await allEnded(pids);
  await cluster.orchestrator.until(() => said('job ended').length === JOBS);
}, 120_000);
