import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { allEnded } from '../support/processes.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'superseded-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: directory,
    env: { WORKER_RECONNECT_MS: '300', WORKER_SILENCE_MS: '900' },
  });
});

afterAll(async () => {
  for (const worker of cluster.workers.values()) process.kill(worker.pid, 'SIGCONT');
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

async function pidsOfJobs(): Promise<number[]> {
  const records = await recorder.records();
  return records.filter(({ argv }) => String(argv[0]) === '-x_behaviour').map(({ pid }) => pid);
}

test('a worker that is frozen and comes back finds its attempt ended: the next one owns the job', async () => {
  const hook = cluster.startHook(behaviour({ output: 1 }, { block: true }));
  await hook.spoke;
  const first = await pidsOfJobs();
  const frozen = cluster.workers.get('w1');
  const w2 = await cluster.startWorker('w2');
  process.kill(frozen?.pid ?? 0, 'SIGSTOP');
  await w2.logged('transcoder started', { attempt: 2 });
  // Nobody told the first worker, which can't do anything anyway.
  await allEnded(first);
  process.kill(frozen?.pid ?? 0, 'SIGCONT');
  await frozen?.logged('attempt ended', {
    attempt: 1,
    reason: 'lost',
    message: 'another attempt owns the job',
  });
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(143);
});

test('an attempt whose number is already in the owner file is not started', async () => {
  const before = (await pidsOfJobs()).length;
  const hook = cluster.startHook(behaviour({ output: 1 }, { block: true }));
  await hook.spoke;
  const jobs = await cluster.api('/api/v1/jobs?state=running');
  const [job] = Array.isArray(jobs) ? jobs : [];
  expect(readdirSync(cluster.cwd)).toContain(`.clusterplex-${job.jobId}`);
  writeFileSync(join(cluster.cwd, `.clusterplex-${job.jobId}`), '2 somebody else\n');
  // Attempt 1 is ended by the watch, 2 is taken, 3 may run.
  await cluster.orchestrator.logged('job started', { jobId: job.jobId, attempt: 3 });
  // A transcoder that has started has not yet said so in its record.
  while ((await pidsOfJobs()).length < before + 2) await setImmediate();
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(143);
  expect(await pidsOfJobs()).toHaveLength(before + 2);
});
