import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { allEnded, isRunning } from '../support/processes.ts';
import {
  behaviour,
  expectedOutput,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'orchestrator-restarts-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1', 'w2'],
    transcoderDirectory: directory,
    env: { RELAY_RECONNECT_MS: '3000' },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

async function pidsOfJobs(): Promise<number[]> {
  const records = await recorder.records();
  return records.filter(({ argv }) => String(argv[0]) === '-x_behaviour').map(({ pid }) => pid);
}

test.each([
  ['SIGKILL', 21],
  ['SIGTERM', 25],
] as const)('after %s a running transcode goes on, and its exit code comes back', async (signal, code) => {
  const before = await pidsOfJobs();
  const hook = cluster.startHook(behaviour({ onTerm: code }, { output: 1 }, { block: true }));
  await hook.spoke;
  const pids = (await pidsOfJobs()).filter((pid) => !before.includes(pid));
  await cluster.orchestrator.stop(signal);
  await cluster.startOrchestrator();
  await cluster.orchestrator.logged('job adopted', { attempt: 1 });
  expect(new Set(await pidsOfJobs())).toEqual(new Set([...before, ...pids]));
  expect(pids.every(isRunning)).toBe(true);
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(code);
});

test('a transcoder that ends while the orchestrator is away is not run again', async () => {
  const before = await pidsOfJobs();
  const hook = cluster.startHook(behaviour({ onTerm: 22 }, { output: 1 }, { block: true }));
  await hook.spoke;
  const pids = (await pidsOfJobs()).filter((pid) => !before.includes(pid));
  await cluster.orchestrator.stop('SIGKILL');
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  await allEnded(pids);
  await cluster.startOrchestrator();
  expect((await hook.exited).code).toBe(22);
  expect((await pidsOfJobs()).length).toBe(before.length + 1);
});

test('what a transcoder writes while the orchestrator is away arrives whole, with its exit code', async () => {
  const written = expectedOutput(700_000);
  const hook = cluster.startHook(behaviour({ output: 700_000 }, { exit: 23 }));
  await hook.spoke;
  await cluster.orchestrator.stop('SIGKILL');
  await cluster.startOrchestrator();
  const { code, stdout, stderr } = await hook.exited;
  expect(code).toBe(23);
  expect(stdout.toString() === written.stdout && stderr.toString() === written.stderr).toBe(true);
});

test('a transcoder that its hook did not keep up with goes on after a restart', async () => {
  const written = expectedOutput(6_000_000);
  const hook = cluster.startHook(behaviour({ output: 6_000_000 }, { exit: 24 }));
  await hook.spoke;
  await cluster.orchestrator.stop('SIGKILL');
  await cluster.startOrchestrator();
  const { code, stdout, stderr } = await hook.exited;
  expect(code).toBe(24);
  expect(stdout.toString() === written.stdout && stderr.toString() === written.stderr).toBe(true);
});

test('a job that PMS cancels while the orchestrator is away is ended at once', async () => {
  const before = await pidsOfJobs();
  const hook = cluster.startHook(behaviour({ output: 1 }, { block: true }));
  await hook.spoke;
  const pids = (await pidsOfJobs()).filter((pid) => !before.includes(pid));
  await cluster.orchestrator.stop('SIGTERM');
  process.kill(hook.pid, 'SIGKILL');
  await hook.exited;
  await allEnded(pids);
  await cluster.startOrchestrator();
});
