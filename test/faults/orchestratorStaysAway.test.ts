import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { markedProcesses } from '../../worker/transcoder/marked.ts';
import { ATTEMPT_VARIABLE } from '../../worker/transcoder/owner.ts';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms, type PmsChild } from '../support/fakePms.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { allEnded, descendantsOf, isRunning } from '../support/processes.ts';
import { type PmsJob, retarget } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';
import { SeenByPms } from '../support/seenByPms.ts';
import { DASH, HLS, inSegmentsOfOneSecond } from '../support/standInStage.ts';

const SECONDS = 14;

// Two limits of the cluster's pass and a film is transcoded one and a half times.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const directory = mkdtempSync(join(tmpdir(), 'stays-away-'));
const sample = join(directory, 'sample.mkv');
let original: string;
let pms: FakePms;
let cluster: Cluster;
let hook: string;

beforeAll(async () => {
  await makeSample(sample, { seconds: SECONDS, width: 640, height: 360 });
  original = await installPlexTranscoder(directory);
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(async () => {
  pms = await FakePms.start();
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: directory,
    pmsPort: pms.port,
    mounts: `${directory}:rw`,
    token: 'secret',
    env: { ORCHESTRATOR_AWAY_MS: '1500', WORKER_SILENCE_MS: '60000' },
  });
  hook = cluster.installHook(original);
});

afterEach(async () => {
  for (const worker of cluster.workers.values()) process.kill(worker.pid, 'SIGCONT');
  await cluster.stop();
  await pms.close();
});

function jobOf(id: string): PmsJob {
  const transcodeDirectory = join(directory, 'transcode');
  return retarget(corpusCommand(id), { input: sample, pmsPort: pms.port, transcodeDirectory });
}

const start = (job: PmsJob, mode = 'both'): Promise<PmsChild> =>
  pms.spawn(hook, job, { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: mode });

/** A job in its middle, where it stays while PMS throttles. */
async function midStream(job: PmsJob, mode?: string) {
  const seen = new SeenByPms(pms, job);
  const child = await start(job, mode);
  await seen.announced(3);
  pms.throttle = true;
  const placed = cluster.relay.log.find(
    ({ msg, session }) => msg === 'job placed' && session === job.session,
  );
  return { seen, child, jobId: String(placed?.['jobId']) };
}

function runOnWorkers(jobId: string): number[] {
  return [...markedProcesses(ATTEMPT_VARIABLE)].flatMap(([pid, mark]) =>
    mark === `${jobId} 1` ? [pid] : [],
  );
}

test.each([
  { name: 'DASH', job: () => inSegmentsOfOneSecond(jobOf(DASH)), init: 'init-stream0.m4s' },
  { name: 'HLS', job: () => jobOf(HLS), init: null },
])('$name: it goes on at its hook where PMS is, and no orchestrator gets it back', async ({ job, init }) => {
  const { seen, child, jobId } = await midStream(job());
  const onWorker = runOnWorkers(jobId);
  expect(onWorker).not.toEqual([]);
  await cluster.orchestrator.stop('SIGKILL');
  await cluster.relay.logged('taken over: it goes on here once nobody else writes', { jobId });
  const takenOverAt = performance.now();
  await allEnded(onWorker);
  expect(performance.now() - takenOverAt).toBeLessThan(2_000);
  await cluster.relay.logged('the hook runs it locally', { jobId });
  const said = cluster.relay.log.find(({ msg }) => msg === 'the hook runs it locally');
  expect(Object(said?.['resume']).segment).toBeGreaterThan(1);

  const connections = () => cluster.relay.log.filter(({ msg }) => msg === 'connected to the orchestrator');
  await cluster.startOrchestrator();
  await cluster.relay.until(() => connections().length === 2);
  await cluster.orchestrator.logged('worker connected', { worker: 'w1' });
  pms.throttle = false;
  expect(await child.exited).toEqual({ code: 0, signal: null });
  await seen.expectWhole(SECONDS, init);
  expect(await cluster.api('/api/v1/jobs')).toEqual([]);
});

test('new jobs run locally meanwhile, and one in mode remote that runs ends with 75', async () => {
  const { child, jobId } = await midStream(inSegmentsOfOneSecond(jobOf(DASH)), 'remote');
  const onWorker = runOnWorkers(jobId);
  await cluster.orchestrator.stop('SIGKILL');
  const job = inSegmentsOfOneSecond(jobOf(DASH));
  const askedAt = performance.now();
  const next = await start(job);
  await cluster.relay.logged('the hook runs it locally', { session: job.session });
  expect(performance.now() - askedAt).toBeLessThan(1_500);
  expect(await child.exited).toEqual({ code: 75, signal: null });
  await allEnded(onWorker);
  pms.throttle = false;
  expect(await next.exited).toEqual({ code: 0, signal: null });
});

test('one that PMS has whole ends with 0, although nobody says how its transcoder ended', async () => {
  const { seen, child, jobId } = await midStream(inSegmentsOfOneSecond(jobOf(DASH)), 'remote');
  const [worker] = [...cluster.workers.values()];
  process.kill(worker?.pid ?? 0, 'SIGSTOP');
  pms.throttle = false;
  await seen.until(() => seen.documents.at(-1)?.includes('type="static"') === true);
  await cluster.orchestrator.stop('SIGKILL');
  expect(await child.exited).toEqual({ code: 0, signal: null });
  await cluster.relay.logged('job ended', { jobId, exitCode: 0 });
  await seen.expectWhole(SECONDS, 'init-stream0.m4s');
});

test('PMS ends its hook: what runs here ends with it', async () => {
  const { child, jobId } = await midStream(inSegmentsOfOneSecond(jobOf(DASH)));
  await cluster.orchestrator.stop('SIGKILL');
  await cluster.relay.logged('the hook runs it locally', { jobId });
  await pms.next(({ query }) => query.get('status') === 'startup');
  const here = descendantsOf(child.pid);
  expect(here.some(isRunning)).toBe(true);
  child.kill('SIGKILL');
  await allEnded(here);
  await cluster.relay.logged('the hook is gone: PMS ended the job, or it ran here and has ended', { jobId });
});
