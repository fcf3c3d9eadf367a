import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHere } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { behaviour, installRecordingTranscoder } from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'no-worker-'));
const local = { TRANSCODER_PATH: `${directory}/`, TRANSCODER_LOCAL_NAME: 'original' };
let cluster: Cluster;

beforeAll(async () => {
  await installRecordingTranscoder(directory, 'original');
  cluster = await Cluster.start({
    workers: [],
    transcoderDirectory: directory,
    env: { QUEUE_TIMEOUT_MS: '300', QUEUE_TIMEOUT_BACKGROUND_MS: '300', RECOVERY_WINDOW_MS: '0' },
  });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

/** As the API lists them, the latest last. */
async function ended(): Promise<unknown[]> {
  return Array.from(Object(await cluster.api('/api/v1/jobs?state=ended')));
}

test('mode both: the original transcoder runs, and its exit code is returned', async () => {
  const { code } = await cluster.runHook(behaviour({ exit: 41 }), {
    env: { ...local, TRANSCODE_OPERATING_MODE: 'both' },
  });
  expect(code).toBe(41);
  await cluster.orchestrator.logged('job on-pms');
  const [job] = await ended();
  expect(job).toMatchObject({ ranOnPms: true, outcome: { reason: 'no-worker' } });
  const said = async (command: string) =>
    (await runHere([command], { ORCHESTRATOR_URL: cluster.address })).stdout;
  expect(await said('status')).toMatch(/\nended since its start +1, 1 ran on PMS\n/);
  expect(await said('jobs')).toMatch(/ ran on PMS .*: no worker is connected\n/);
});

test('mode both: the original transcoder’s death by a signal is the hook’s', async () => {
  const { signal } = await cluster.runHook(behaviour({ signal: 'SEGV' }), { env: local });
  expect(signal).toBe('SIGSEGV');
});

test('mode remote: 75 after the queue deadline, with the reason in the relay’s log', async () => {
  const { code } = await cluster.runHook(behaviour({ exit: 41 }), {
    env: { ...local, TRANSCODE_OPERATING_MODE: 'remote' },
  });
  expect(code).toBe(75);
  await cluster.relay.logged('job ended', { exitCode: 75, reason: 'no worker is connected' });
  expect((await ended()).at(-1)).toMatchObject({ ranOnPms: false });
});

test('the orchestrator is away: local after a while, 75 in mode remote', async () => {
  await cluster.orchestrator.stop('SIGKILL');
  await cluster.relay.logged('not connected to the orchestrator');
  const [both, remote] = await Promise.all([
    cluster.runHook(behaviour({ exit: 42 }), { env: local }),
    cluster.runHook(behaviour({ exit: 42 }), { env: { ...local, TRANSCODE_OPERATING_MODE: 'remote' } }),
  ]);
  expect([both.code, remote.code]).toEqual([42, 75]);
});
