import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import { GpuMachine, NO_CUDA } from '../support/gpuMachine.ts';
import { retarget } from '../support/retarget.ts';

/** PMS's own GPU, which this machine has not (were there one, it would be taken), and what its transcoder only lists. */
const NOT_HERE = { '*_hw_device?vaapi=*': 'no VAAPI here', '*-c:a?flac*': 'no FLAC here' };

const POLLED = { timeout: 20_000, interval: 50 };

const machine = new GpuMachine();
let pms: FakePms;
let cluster: Cluster;

beforeAll(async () => {
  machine.nvidia('rtx-3080-v13');
  machine.refuses(NOT_HERE);
  pms = await FakePms.start();
  cluster = await Cluster.start({
    workers: [],
    transcoderDirectory: machine.directory,
    pmsPort: pms.port,
    env: { PATH: machine.env['PATH'] ?? '', TRANSCODER_NAME: 'transcoder' },
  });
}, 30_000);

afterAll(async () => {
  await cluster.stop();
  await pms.close();
  machine.remove();
});

/** Runs a command of the corpus as PMS would: the arguments that each attempt's transcoder got, and the job's record. */
async function run(id: string, token?: string) {
  const input = join(cluster.directory, 'film.mkv');
  writeFileSync(input, '');
  const own = randomUUID();
  const job = retarget(corpusCommand(id), {
    ...{ input, pmsPort: pms.port, transcodeDirectory: cluster.cwd, session: own },
    ...(token !== undefined && { token }),
  });
  mkdirSync(job.cwd, { recursive: true });
  const before = machine.calls.length;
  const env = { ...job.env, TRANSCODE_OPERATING_MODE: 'remote' };
  const { code, stderr } = await cluster.runHook(job.argv, { cwd: job.cwd, env });
  expect({ id, code, stderr: String(stderr) }).toEqual({ id, code: 0, stderr: '' });
  const jobs = Object(await cluster.api('/api/v1/jobs'));
  const { jobId } = jobs.find(({ session }: { session: string }) => session === own);
  const record = Object(await cluster.api(`/api/v1/jobs/${jobId}`));
  const runs = machine.calls.slice(before).filter((call) => call.includes(input));
  return { runs, record, attempts: record.attempts, changes: record.attempts.at(-1).changes };
}

async function worker(name: string) {
  return Object(await cluster.api(`/api/v1/workers/${name}`));
}

test('a GPU is in the API, a command for another one moves to it, and when it is lost all goes on in software', async () => {
  const part = await cluster.startWorker('w1');
  const card = { api: 'cuda', name: 'NVIDIA GeForce RTX 3080', device: '0000:0c:00.0', sessionLimit: 8 };
  const { capabilities } = await worker('w1');
  expect(capabilities.gpus).toMatchObject([{ ...card, encoders: expect.arrayContaining(['hevc_nvenc']) }]);

  expect(part.lines('the transcoder lists what it fails at')).toMatchObject([
    { failures: { 'encoders: flac': 'no FLAC here' } },
  ]);
  expect(capabilities.encoders).toEqual(['h264_nvenc', 'hevc_nvenc', 'libx264', 'aac']);

  const moved = await run('sp-acc-7510');
  expect(moved.runs).toHaveLength(1);
  const [words = ''] = moved.runs;
  expect(words).not.toContain('vaapi');
  for (const part of [
    '-codec:0 av1 -hwaccel:0 nvdec -threads:0 1 -hwaccel_output_format:0 cuda -hwaccel_device:0 cuda -codec:1',
    `-init_hw_device cuda=cuda:pci:${card.device} -filter_hw_device cuda -y`,
    '-filter_complex [0:0]hwupload[0];[0]scale_cuda=w=718:h=404:format=p010[1] -map [1]',
    '-codec:0 hevc_nvenc -b:0 992k -maxrate:0 992k',
  ]) {
    expect(words).toContain(part);
  }
  const detail = `av1 by vaapi, hevc by vaapi → av1 by cuda (${card.name}), hevc by cuda (${card.name})`;
  expect(moved.changes).toContainEqual({ name: 'hardware-adapted', detail });
  expect(moved.record.changes).toContain('hardware-adapted');

  machine.refuses({ ...NOT_HERE, '*cuda*': NO_CUDA });
  const lost = await run('sp-nv-9b8489d5');
  expect(lost.runs).toHaveLength(2);
  expect(lost.runs[0]).toContain('h264_nvenc');
  expect(lost.runs[1]).toContain('-codec:0 libx264');
  expect(lost.runs[1]).not.toMatch(/cuda|nvdec|nvenc/);
  expect(lost.attempts).toMatchObject([
    { hardware: { encoder: 'h264_nvenc' }, outcome: { exitCode: 1, gpuFailure: 'lost' } },
    { hardware: null, outcome: { exitCode: 0 }, changes: [{ name: 'hardware-adapted' }, {}] },
  ]);
  const story = lost.record.story.map(({ message }: { message: string }) => message);
  expect(story).toContain('the GPU failed (lost) on w1: again in software');

  await part.logged('GPUs lack what they had, and are tried again');
  await vi.waitFor(async () => {
    expect(await worker('w1')).toMatchObject({ state: 'ready', capabilities: { gpus: [] } });
  }, POLLED);
  const ready = await fetch(`${await part.listening()}/ready`);
  expect({ status: ready.status, ...Object(await ready.json()) }).toMatchObject({
    status: 200,
    ready: true,
    checks: expect.arrayContaining([
      { name: 'gpu', ok: false, message: expect.stringContaining('CUDA_ERROR_NO_DEVICE'), blocking: false },
    ]),
  });
  await part.stop();
}, 60_000);

test('a software command goes to the GPU with HARDWARE_ADAPTATION=accelerate, once PMS says that it has a Plex Pass', async () => {
  machine.refuses(NOT_HERE);
  await cluster.startWorker('w2', { HARDWARE_ADAPTATION: 'accelerate' });
  const refused = { name: 'hardware-kept', detail: 'no active Plex Pass, which using a GPU takes' };
  pms.plexPass = false;
  // Nobody waits for the answer: the second one has it.
  for (const id of ['sp-nv-9905b5e9', 'plex-nv-02']) {
    const { runs, changes } = await run(id, 'local-without');
    expect(changes).toContainEqual(refused);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toContain('-codec:0 libx264');
    expect(runs[0]).not.toMatch(/cuda|nvdec|nvenc/);
  }
  pms.plexPass = true;
  await vi.waitFor(async () => {
    const { runs, changes } = await run('sp-nv-b7dc857c', 'local-with');
    expect(changes).toContainEqual({ name: 'hardware-adapted', detail: expect.stringContaining('→') });
    expect(runs[0]).toContain('-codec:0 h264_nvenc');
  }, POLLED);
}, 30_000);
