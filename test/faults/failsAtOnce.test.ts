import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import type { LogLine } from '../support/part.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'fails-at-once-'));
const places = { bad: join(directory, 'bad'), good: join(directory, 'good') };
let bad: RecordingTranscoder;
let good: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  for (const place of Object.values(places)) mkdirSync(place);
  bad = await installRecordingTranscoder(places.bad);
  good = await installRecordingTranscoder(places.good);
  await bad.behave([{ exit: 69 }]);
  await good.behave([{ exit: 0 }]);
  cluster = await Cluster.start({
    workers: [],
    transcoderDirectory: places.good,
    env: { QUARANTINE_MS: '3000' },
  });
  await cluster.startWorker('good');
  await cluster.startWorker('bad', { TRANSCODER_PATH: places.bad });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

async function stateOfBad(): Promise<unknown> {
  return Object(await cluster.api('/api/v1/workers/bad')).state;
}

function isAboutBad({ worker, quarantined }: LogLine): boolean {
  return worker === 'bad' && quarantined !== undefined;
}

/** Runs that jobs started: the worker tries its transcoder, too. */
async function runsOf(transcoder: RecordingTranscoder): Promise<number> {
  return (await transcoder.records()).filter(({ argv }) => String(argv[0]) === '-job').length;
}

test('what fails at once on one worker runs on another, which PMS does not notice; three times, and it rests', async () => {
  let failed = 0;
  // Equal workers take turns, so half of the jobs find the bad one first.
  for (let job = 0; failed < 3; job += 1) {
    expect(job).toBeLessThan(20);
    expect((await cluster.runHook(['-job', String(job), 'x'])).code).toBe(0);
    failed = await runsOf(bad);
  }
  expect(await stateOfBad()).toBe('quarantined');
  const metrics = await (await fetch(`${cluster.address}/metrics`)).text();
  expect(metrics).toContain('clusterplex_retries_total{reason="exited"} 3');
  for (let job = 0; job < 4; job += 1) expect((await cluster.runHook(['-job', 'x'])).code).toBe(0);
  expect(await runsOf(bad)).toBe(3);
  const { orchestrator } = cluster;
  await orchestrator.until(() => orchestrator.log.findLast(isAboutBad)?.['quarantined'] === false);
  expect(await stateOfBad()).not.toBe('quarantined');
});

test('a command that fails everywhere is tried twice, and fails as the transcoder says', async () => {
  await good.behave([{ exit: 7 }]);
  await bad.behave([{ exit: 7 }]);
  const before = (await runsOf(good)) + (await runsOf(bad));
  expect((await cluster.runHook(['-job', 'y', 'x'])).code).toBe(7);
  expect((await runsOf(good)) + (await runsOf(bad))).toBe(before + 2);
});
