import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OUTPUT_WINDOW_BYTES } from '#shared/protocol/messages.ts';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import { allEnded } from '../support/processes.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'hook-killed-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: ['w1'], slots: 1, transcoderDirectory: directory });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

test('PMS kills the hook: the whole tree ends, wherever it has gone, and the slot is free', async () => {
  const hook = cluster.startHook(
    behaviour({ child: 'plain' }, { child: 'setsid' }, { output: 1 }, { block: true }),
  );
  await hook.spoke;
  const [record] = (await recorder.records()).slice(-1);
  const tree = [record?.pid ?? 0, ...(await recorder.children())];
  expect(tree).toHaveLength(3);
  process.kill(hook.pid, 'SIGKILL');
  await allEnded(tree);
  // The only slot: nothing else could run before it was free.
  expect((await cluster.runHook(behaviour({ exit: 4 }))).code).toBe(4);
});

test('a transcoder that ignores SIGTERM is ended with SIGKILL after the grace period', async () => {
  const before = new Set((await recorder.records()).map(({ pid }) => pid));
  const hook = cluster.startHook(behaviour({ ignore: 'TERM' }, { output: 1 }, { block: true }));
  await hook.spoke;
  const pids = (await recorder.records()).map(({ pid }) => pid).filter((pid) => !before.has(pid));
  process.kill(hook.pid, 'SIGKILL');
  await allEnded(pids);
  await cluster.workers
    .get('w1')
    ?.logged('attempt ended', { signal: 'SIGKILL', forced: true, reason: 'cancelled' });
});

test('a hook that dies with output unread gives its slot back, too', async () => {
  const argv = behaviour({ output: 8 * OUTPUT_WINDOW_BYTES }, { block: true });
  const client = new HookClient(cluster.socket, { argv, cwd: cluster.cwd });
  await client.outputReaches(OUTPUT_WINDOW_BYTES);
  client.die();
  expect((await cluster.runHook(behaviour({ exit: 5 }))).code).toBe(5);
});
