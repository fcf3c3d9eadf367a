import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { fuzz, residentMemory } from '../support/fuzz.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const TOKEN = 'the-token-of-this-test';
const directory = mkdtempSync(join(tmpdir(), 'hostile-input-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: directory,
    token: TOKEN,
    env: { LOG_LEVEL: 'info' },
  });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

test('random and mutated input at every door harms no job and no process', async () => {
  const [localRelay = ''] = (await cluster.relay.listening()).split(' ');
  const parts = [cluster.orchestrator, cluster.relay];
  const warm = { frames: 4_000, strangers: 200, seed: 1 };
  await fuzz(cluster, TOKEN, localRelay, warm);
  const before = parts.map(({ pid }) => residentMemory(pid));
  const running = cluster.startHook(behaviour({ onTerm: 21 }, { log: 'here' }, { block: true }));
  await running.spoke;
  const noise = fuzz(cluster, TOKEN, localRelay, { frames: 20_000, strangers: 1_000, seed: 2 });
  for (const code of [0, 7, 0]) {
    expect((await cluster.runHook(behaviour({ log: 'x' }, { exit: code }))).code).toBe(code);
  }
  await noise;
  process.kill(running.pid, 'SIGTERM');
  expect((await running.exited).code).toBe(21);
  expect(parts.map(({ ended }) => ended)).toEqual([false, false]);
  const grown = parts.map(({ pid }, index) => residentMemory(pid) / (before[index] ?? 1));
  expect(Math.max(...grown)).toBeLessThan(1.5);
}, 120_000);
