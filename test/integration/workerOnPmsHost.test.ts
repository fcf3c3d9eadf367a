import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const plex = mkdtempSync(join(tmpdir(), 'clusterplex-one-host-'));
let cluster: Cluster;
let original: RecordingTranscoder;

beforeAll(async () => {
  original = await installRecordingTranscoder(plex, 'originalTranscoder');
  cluster = await Cluster.start({ workers: [], transcoderDirectory: plex });
  // It finds the relay by itself, as it does where everything has its usual place.
  const hook = readFileSync(cluster.installHook(original.path), 'utf8');
  const told = hook.replace('#!/bin/sh\n', `#!/bin/sh\nexport RELAY_SOCKET='${cluster.socket}'\n`);
  writeFileSync(join(plex, 'Plex Transcoder'), told, { mode: 0o755 });
  const script = `#!/bin/sh\nexec '${plex}/Plex Transcoder' "$@"\n`;
  const elsewhere = mkdtempSync(join(plex, 'elsewhere-'));
  writeFileSync(join(elsewhere, 'leads to it'), script, { mode: 0o755 });
  await cluster.startWorker('script', { TRANSCODER_PATH: elsewhere, TRANSCODER_NAME: 'leads to it' });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(plex, { recursive: true });
});

test('what a worker starts never becomes a job, though a script leads it to the hook', async () => {
  expect((await original.records()).length).toBeGreaterThan(0);
  expect(await cluster.api('/api/v1/jobs')).toEqual([]);
  expect(await cluster.runHook(behaviour({ exit: 7 }))).toMatchObject({ code: 7 });
  expect(await cluster.api('/api/v1/jobs')).toHaveLength(1);
});

test('a worker runs the original behind the hook, and says so', async () => {
  await cluster.workers.get('script')?.stop();
  const worker = await cluster.startWorker('here');
  const { checks } = JSON.parse(await (await fetch(`${await worker.listening()}/ready`)).text());
  expect(checks).toContainEqual({
    name: 'transcoder',
    ok: true,
    message: `${original.path}, behind PMS's hook`,
    blocking: true,
  });
  expect(await cluster.runHook(behaviour({ exit: 8 }))).toMatchObject({ code: 8 });
  expect(await cluster.api('/api/v1/jobs')).toHaveLength(2);
});
