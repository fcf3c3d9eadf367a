import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNumberedList } from '../../pms/relay/announced/segmentList.ts';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { type PmsJob, retarget } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';
import { SeenByPms } from '../support/seenByPms.ts';
import {
  DASH_COPIED,
  DASH_STREAM,
  HLS_COPIED,
  inShortSegments,
  STREAM_KINDS,
  type StreamKind,
} from '../support/streamKinds.ts';

// A job is waited for twice or three times, and each of its segments is probed.
vi.setConfig({ testTimeout: 90_000 });

const SECONDS = 20;

const directory = mkdtempSync(join(tmpdir(), 'mid-stream-'));
const sample = join(directory, 'sample.mkv');
let pms: FakePms;
let cluster: Cluster;
let hook: string;

beforeAll(async () => {
  await makeSample(sample, { seconds: SECONDS, width: 640, height: 360 });
  pms = await FakePms.start();
  const original = await installPlexTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1', 'w2'],
    transcoderDirectory: directory,
    pmsPort: pms.port,
    mounts: `${directory}:rw`,
    env: { WORKER_RECONNECT_MS: '300' },
  });
  hook = cluster.installHook(original);
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  await pms.close();
  rmSync(directory, { recursive: true });
});

const started = (kind: StreamKind): PmsJob => {
  const transcodeDirectory = join(directory, 'transcode');
  const command = corpusCommand(kind.id);
  return kind.adapt(retarget(command, { input: sample, pmsPort: pms.port, transcodeDirectory }));
};

/** Where a job is, as the relay was told last. */
function placed({ session }: PmsJob): { worker: string; jobId: string } {
  const line = cluster.relay.log.findLast(
    (entry) => entry['msg'] === 'job placed' && entry['session'] === session,
  );
  const { worker, jobId } = Object(line);
  return { worker, jobId };
}

/** One playback whose worker is killed each time that PMS was told so often. Returns its story. */
async function play(job: PmsJob, seen: SeenByPms, kills: readonly number[]): Promise<string> {
  pms.throttle = kills.includes(0);
  const child = await pms.spawn(hook, job, {
    RELAY_SOCKET: cluster.socket,
    TRANSCODE_OPERATING_MODE: 'remote',
  });
  const restarts: Promise<unknown>[] = [];
  let id = '';
  for (const [index, told] of kills.entries()) {
    if (told > 0) await seen.announced(told);
    else await pms.next(({ job: ofJob }) => ofJob === job.job);
    // At once, and throttled from now on: what is copied would soon be at its end.
    pms.throttle = true;
    const { worker, jobId } = placed(job);
    id = jobId;
    const killedAt = performance.now();
    await cluster.workers.get(worker)?.stop('SIGKILL');
    restarts.push(cluster.startWorker(`${worker}-again`));
    await cluster.orchestrator.logged('job started', { jobId, attempt: index + 2 });
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    pms.throttle = false;
  }
  await Promise.all(restarts);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  return JSON.stringify(await cluster.api(`/api/v1/jobs/${id}`));
}

test.each(STREAM_KINDS)(
  '$name: the next attempt goes on where the first was, and PMS sees one',
  async (kind) => {
    const job = started(kind);
    const seen = new SeenByPms(pms, job);
    expect(await play(job, seen, [3])).toMatch(/goes on at segment [1-9]/);
    await seen.expectWhole(SECONDS, kind.init);
  },
);

test('the third attempt goes on where the second was', async () => {
  const job = started(HLS_COPIED);
  const seen = new SeenByPms(pms, job);
  expect(await play(job, seen, [2, 5])).toMatch(/goes on at segment [1-4].*goes on at segment [5-9]/);
  await seen.expectWhole(SECONDS, HLS_COPIED.init);
});

test('with the last picture announced, what is left of the film is made of the last segment', async () => {
  const job = started(DASH_COPIED);
  const seen = new SeenByPms(pms, job);
  expect(await play(job, seen, [SECONDS / 2])).toMatch(/goes on at segment (9|10)/);
  await seen.expectWhole(SECONDS, DASH_COPIED.init);
});

test('before PMS was told of anything it begins at the beginning, whatever the first attempt left', async () => {
  const job = started(DASH_STREAM);
  const seen = new SeenByPms(pms, job);
  mkdirSync(job.cwd, { recursive: true });
  for (const left of ['init-stream0.m4s', 'chunk-stream0-00001.m4s', 'chunk-stream0-00002.m4s.tmp']) {
    writeFileSync(join(job.cwd, left), '\0\0\x10\0moof, and then no more');
  }
  expect(await play(job, seen, [0])).not.toContain('goes on at segment');
  await seen.expectWhole(SECONDS, DASH_STREAM.init);
});

test('with subtitles in segments it begins at the beginning, and both lists only grow', async () => {
  const kind = { ...DASH_STREAM, id: 'mc-dash-33', adapt: inShortSegments };
  const job = started(kind);
  const seen = new SeenByPms(pms, job);
  expect(await play(job, seen, [3])).toMatch(/subtitles in segments/);
  await seen.expectWhole(SECONDS, kind.init);
  const rows = readNumberedList(seen.subtitles.at(-1) ?? '') ?? [];
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: SECONDS }, (_, index) => index));
});

test('a relay that dies before the worker does leaves the next one what PMS has', async () => {
  const job = started(DASH_STREAM);
  const seen = new SeenByPms(pms, job);
  const child = await pms.spawn(hook, job, { RELAY_SOCKET: cluster.socket });
  await seen.announced(3);
  pms.throttle = true;
  const { worker, jobId } = placed(job);
  await cluster.relay.stop('SIGKILL');
  await cluster.workers.get(worker)?.stop('SIGKILL');
  await cluster.startRelay();
  await cluster.relay.logged('job placed', { jobId, attempt: 2 });
  pms.throttle = false;
  expect(await child.exited).toEqual({ code: 0, signal: null });
  await seen.expectWhole(SECONDS, 'init-stream0.m4s');
  await expect.poll(() => readdirSync(`${cluster.socket}.jobs`)).toEqual([]);
  await cluster.startWorker(`${worker}-again`);
});
