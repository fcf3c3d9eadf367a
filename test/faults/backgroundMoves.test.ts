import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import { ffmpegTools } from '../support/ffmpeg.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { retarget } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';
import { isPaused } from '../support/standInStage.ts';

const SECONDS = 8;
/** More than either output has in the end. */
const HALF_WRITTEN = 20_000_000;

const directory = mkdtempSync(join(tmpdir(), 'background-moves-'));
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

test.each([
  ['an optimised version', 'sp-opt-64729', {}],
  ['detection', 'sp-det-7174', { '0:2': '0:1' }],
])('%s begins anew in place of what its worker left half-written', async (kind, id, streams) => {
  const outputDirectory = join(directory, kind);
  mkdirSync(outputDirectory);
  const where = { input: sample, pmsPort: pms.port, transcodeDirectory: join(directory, 'transcode') };
  const job = retarget(corpusCommand(id), { ...where, outputDirectory, streams });
  const output = job.argv.at(-1) ?? '';
  // So that it is still in the middle when it dies.
  pms.throttle = true;
  const remotely = { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: 'remote' };
  const child = await pms.spawn(hook, job, remotely);
  await pms.next((request) => request.job === job.job && isPaused(request));
  const [running] = Object.values(Object(await cluster.api('/api/v1/jobs?state=running')));
  const { worker, jobId } = Object(running);
  writeFileSync(output, Buffer.alloc(HALF_WRITTEN, 'x'));
  await cluster.workers.get(worker)?.stop('SIGKILL');
  const restarted = cluster.startWorker(`${worker}-again`);
  await cluster.orchestrator.logged('job started', { jobId, attempt: 2 });
  pms.throttle = false;
  await restarted;
  expect(await child.exited).toEqual({ code: 0, signal: null });

  expect(statSync(output).size).toBeLessThan(HALF_WRITTEN);
  const asked = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', output];
  const { stdout } = await promisify(execFile)(ffmpegTools().ffprobe, asked);
  expect(Number.parseFloat(stdout)).toBeCloseTo(SECONDS, 0);
  const story = JSON.stringify(await cluster.api(`/api/v1/jobs/${jobId}`));
  expect(story).toContain('from the beginning');
});
