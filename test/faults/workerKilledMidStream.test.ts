import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { type PmsJob, retarget } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';
import { SeenByPms } from '../support/seenByPms.ts';
import { DASH, HLS, inSegmentsOfOneSecond } from '../support/standInStage.ts';

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

/** Copied pictures are cut at the sample's key frames, every 2 s. */
const inShortSegments = (job: PmsJob): PmsJob => ({
  ...job,
  argv: job.argv.map((element, index) =>
    /^-(seg_duration|segment_time)$/.test(job.argv[index - 1] ?? '') ? '1' : element,
  ),
});

interface Kind {
  readonly name: string;
  readonly id: string;
  readonly init: string | null;
  adapt(job: PmsJob): PmsJob;
}

test.each<Kind>([
  { name: 'DASH', id: DASH, init: 'init-stream0.m4s', adapt: inSegmentsOfOneSecond },
  { name: 'DASH, copied', id: 'mc-dash-13', init: 'init-stream0.m4s', adapt: inShortSegments },
  { name: 'HLS', id: HLS, init: null, adapt: (job) => job },
])('$name: the next attempt goes on where the first was, and PMS sees one', async ({ id, init, adapt }) => {
  const transcodeDirectory = join(directory, 'transcode');
  const job = adapt(retarget(corpusCommand(id), { input: sample, pmsPort: pms.port, transcodeDirectory }));
  const seen = new SeenByPms(pms, job);
  const child = await pms.spawn(hook, job, {
    RELAY_SOCKET: cluster.socket,
    TRANSCODE_OPERATING_MODE: 'remote',
  });
  await seen.announced(3);
  // So that it is still in the middle when it dies.
  pms.throttle = true;
  const [running] = Object.values(Object(await cluster.api('/api/v1/jobs?state=running')));
  const { worker, jobId } = Object(running);
  const killedAt = performance.now();
  await cluster.workers.get(worker)?.stop('SIGKILL');
  const restarted = cluster.startWorker(`${worker}-again`);
  await cluster.orchestrator.logged('job started', { jobId, attempt: 2 });
  expect(performance.now() - killedAt).toBeLessThan(3_000);
  pms.throttle = false;
  await restarted;
  expect(await child.exited).toEqual({ code: 0, signal: null });

  await seen.expectWhole(SECONDS, init);
  expect(JSON.stringify(await cluster.api(`/api/v1/jobs/${jobId}`))).toMatch(/goes on at segment [1-9]/);
});

test('a relay that dies before the worker does leaves the next one what PMS has', async () => {
  const transcodeDirectory = join(directory, 'transcode');
  const options = { input: sample, pmsPort: pms.port, transcodeDirectory };
  const job = inSegmentsOfOneSecond(retarget(corpusCommand(DASH), options));
  const seen = new SeenByPms(pms, job);
  const child = await pms.spawn(hook, job, { RELAY_SOCKET: cluster.socket });
  await seen.announced(3);
  pms.throttle = true;
  const placed = cluster.relay.log.find(
    ({ msg, session }) => msg === 'job placed' && session === job.session,
  );
  const { worker, jobId } = Object(placed);
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
