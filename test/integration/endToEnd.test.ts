import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms, type PmsChild } from '../support/fakePms.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { type PmsJob, retarget, small } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';

const TOKEN = 'a-secret-of-this-test';
const SECONDS = 12;

const directory = mkdtempSync(join(tmpdir(), 'end-to-end-'));
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
    token: TOKEN,
    env: {},
    mounts: `${directory}:rw`,
  });
  hook = cluster.installHook(original);
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  await pms.close();
  rmSync(directory, { recursive: true });
});

function jobOf(id: string): PmsJob {
  const job = retarget(corpusCommand(id), {
    input: sample,
    pmsPort: pms.port,
    transcodeDirectory: join(directory, 'transcode'),
  });
  return small(job);
}

function start(job: PmsJob): Promise<PmsChild> {
  return pms.spawn(hook, job, { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: 'remote' });
}

test.each([
  ['DASH', 'sp-nv-9905b5e9', /^(init|chunk)-stream[01](-\d{5})?\.m4s$/, 10],
  ['HLS', 'plex-misc-2', /^media-\d{5}\.ts$/, SECONDS],
])(
  '%s: a genuine command leaves its segments, and PMS gets every callback',
  async (_kind, id, name, segments) => {
    const job = jobOf(id);
    const child = await start(job);
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const files = readdirSync(job.cwd).filter((file) => name.test(file));
    expect(Math.abs(files.length - segments)).toBeLessThanOrEqual(1);

    const own = pms.requests.filter(({ job: ofJob }) => ofJob === job.job);
    expect(own.filter(({ status }) => status >= 400)).toEqual([]);
    expect(own.some(({ query }) => query.get('status') === 'startup')).toBe(true);
    expect(own.some(({ call }) => call === 'progress/streamDetail')).toBe(true);
    expect(own.filter(({ body }) => body.length > 0).length).toBeGreaterThan(1);
    expect(own.every(({ token }) => token === pms.token)).toBe(true);
  },
);

test('PMS throttles the transcoder through the replies to its progress', async () => {
  const job = jobOf('sp-nv-9905b5e9');
  pms.throttle = true;
  const child = await start(job);
  // Throttled, it goes on reporting and gets nowhere: the same percentage twice.
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    const stop = pms.onProgress((percent, { job: ofJob }) => {
      if (ofJob !== job.job) return;
      if (seen.filter((earlier) => earlier === percent).length >= 2) {
        stop();
        resolve();
      }
      seen.push(percent);
    });
  });
  pms.throttle = false;
  expect((await child.exited).code).toBe(0);
});

test('the orchestrator knows how far a job is, and no secret is in its log, the relay’s or the workers’', async () => {
  const job = jobOf('sp-nv-9905b5e9');
  const child = await start(job);
  await child.exited;
  const jobs = await cluster.api('/api/v1/jobs?state=ended');
  expect(jobs).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ session: job.session, class: 'playback', title: 'sample.mkv', attempt: 1 }),
    ]),
  );
  expect(JSON.stringify(jobs)).toMatch(/"progress":\d/);
  const logs = [cluster.orchestrator, cluster.relay, ...cluster.workers.values()].flatMap(({ log }) => log);
  expect(logs.length).toBeGreaterThan(10);
  for (const secret of [TOKEN, pms.token]) {
    expect(JSON.stringify(logs)).not.toContain(secret);
    expect(JSON.stringify(jobs)).not.toContain(secret);
  }
});

test('PMS kills the hook of a transcode: nothing of it goes on', async () => {
  const job = jobOf('plex-misc-2');
  const child = await start(job);
  await pms.next(({ job: ofJob, call }) => ofJob === job.job && call === 'progress');
  child.kill('SIGKILL');
  await child.exited;
  await cluster.orchestrator.until(() =>
    cluster.orchestrator.log.some(({ msg, session }) => msg === 'job ended' && session === job.session),
  );
  expect(await cluster.api('/api/v1/jobs')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        session: job.session,
        outcome: expect.objectContaining({ reason: 'cancelled' }),
      }),
    ]),
  );
});
