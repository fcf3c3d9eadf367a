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

const directory = mkdtempSync(join(tmpdir(), 'relay-restarts-'));
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

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'the relay ends by %s and starts again: its hooks come back',
  async (signal) => {
    const before = (await recorder.records()).length;
    const hook = cluster.startHook(behaviour({ onTerm: 23 }, { output: 1 }, { block: true }));
    await hook.spoke;
    await cluster.relay.stop(signal);
    await cluster.startRelay();
    await cluster.relay.logged('job placed', { attempt: 1, worker: 'w1' });
    process.kill(hook.pid, 'SIGTERM');
    const { code, stdout } = await hook.exited;
    expect(code).toBe(23);
    expect(stdout).toHaveLength(1);
    expect(await recorder.records()).toHaveLength(before + 1);
  },
);

test('a hook that is stuck does not keep the relay from stopping, and comes back when it can', async () => {
  const hook = cluster.startHook(behaviour({ onTerm: 23 }, { output: 1 }, { block: true }));
  await hook.spoke;
  // As when it is blocked on a stdout that PMS does not read.
  process.kill(hook.pid, 'SIGSTOP');
  expect(await cluster.relay.stop()).toEqual({ code: 0, signal: null });
  await cluster.startRelay();
  process.kill(hook.pid, 'SIGCONT');
  await cluster.relay.logged('job placed', { attempt: 1, worker: 'w1' });
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(23);
});
