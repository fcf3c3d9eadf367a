import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CODEC_NAMES } from '../../worker/codecs/names.ts';
import { Cluster } from '../support/cluster.ts';
import { CodecVolume, VERSION } from '../support/codecVolume.ts';
import { type EaeService, serveEae } from '../support/eaeService.ts';
import { fakeLibrary } from '../support/fakeLibrary.ts';
import type { Part } from '../support/part.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

// Licences take their seconds to end.
vi.setConfig({ testTimeout: 60_000 });

let volume: CodecVolume;
let service: EaeService;
let cluster: Cluster;
let transcoder: RecordingTranscoder;

beforeEach(async () => {
  volume = new CodecVolume();
  mkdirSync(volume.set, { recursive: true });
  for (const codec of CODEC_NAMES) writeFileSync(join(volume.set, `${codec}.so`), fakeLibrary(codec));
  service = await serveEae();
  transcoder = await installRecordingTranscoder(volume.root);
  appendFileSync(transcoder.path, `\nexit\n%s version ${VERSION}\0`);
  writeFileSync(join(volume.root, 'Plex Media Server'), '\x001.41.3.9314-a0bfb8370\0');
  cluster = await Cluster.start({
    workers: [],
    transcoderDirectory: volume.root,
    env: {
      CODECS: 'on',
      CODECS_DIR: volume.directory,
      CODECS_URL: '/nowhere',
      EAE_URL: service.url,
      PLEX_ARCH: 'amd64',
      TRANSCODE_OPERATING_MODE: 'remote',
    },
  });
});
afterEach(async () => {
  await transcoder.endAll();
  await cluster.stop();
  await service.close();
  volume.remove();
});

const DOLBY = ['-codec:1', 'eac3_eae', '-eae_prefix:1', 'session_'];

async function eaeCheck(worker: Part): Promise<{ ok: boolean; message: string | null; ready: boolean }> {
  const { ready, checks } = JSON.parse(await (await fetch(`${await worker.listening()}/ready`)).text());
  const { ok, message } = checks.find(({ name }: { name: string }) => name === 'eae');
  return { ok, message, ready };
}

async function metric(worker: Part, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${await worker.listening()}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
}

/** The pids under which EasyAudioEncoder was started, dead or alive. */
function starts(worker = 'w1'): number[] {
  const file = join(volume.directory, `eae-${worker}/2001-linux-x86_64-standard/EasyAudioEncoder/started`);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Looks again and again, for what nobody announces. */
async function eventually<T>(look: () => T | Promise<T>, right: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const value = await look();
    if (right(value)) return value;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** EAE_ROOT of a run of the transcoder, as it is in its record. */
function rootOf(env: readonly Buffer[]): string {
  const line = env.map(String).find((text) => text.startsWith('EAE_ROOT='));
  return line?.slice('EAE_ROOT='.length) ?? '';
}

test('a job that needs EasyAudioEncoder has one, fetched and licensed, which all such jobs share and which ends with the last', async () => {
  const worker = await cluster.startWorker('w1');
  await worker.logged('EasyAudioEncoder is usable');
  const { searchParams } = new URL(service.asked[0] ?? '', service.url);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    build: 'linux-x86_64-standard',
    deviceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    oldestPreviousVersion: '1.41.3.9314-a0bfb8370',
    version: '2001',
  });
  const { ok, message, ready } = await eaeCheck(worker);
  expect({ ok, ready }).toEqual({ ok: true, ready: true });
  expect(message).toMatch(/^licensed until 20/);
  const days =
    (Number(await metric(worker, 'clusterplex_eae_licence_end_seconds')) * 1000 - Date.now()) / 86_400_000;
  expect(days).toBeCloseTo(365, 0);
  // It was tried, and runs no more.
  await eventually(
    () => starts().filter(isAlive),
    (alive) => alive.length === 0,
  );

  const jobs = [1, 2].map(() => cluster.startHook([...behaviour({ block: true }), ...DOLBY]));
  const records = await eventually(
    async () => (await transcoder.records()).filter(({ argv }) => argv.map(String).includes('eac3_eae')),
    ({ length }) => length === 2,
  );
  await eventually(
    () => starts().filter(isAlive),
    (alive) => alive.length > 0,
  );
  const roots = new Set(records.map(({ env }) => rootOf(env)));
  expect([roots.size, starts().filter(isAlive).length]).toEqual([1, 1]);
  expect(await metric(worker, 'clusterplex_eae_running')).toBe('1');
  const [root = ''] = roots;
  const folder = join(root, 'Convert to WAV (to 8ch or less)');
  writeFileSync(join(folder, 'session_1-0-0.new'), 'E-AC-3');
  const converted = new Promise<void>((resolve) => {
    const watcher = watch(folder, (_event, name) => {
      if (name !== 'session_1-0-0.wav') return;
      watcher.close();
      resolve();
    });
  });
  appendFileSync(join(folder, 'session_1-0-0.ec3'), 'E-AC-3');
  await converted;

  // It dies: another takes its place, in the same directory.
  const [first = 0] = starts().filter(isAlive);
  process.kill(first, 'SIGKILL');
  await eventually(
    () => starts().filter(isAlive),
    ([pid]) => pid !== undefined && pid !== first,
  );

  for (const { pid } of jobs) process.kill(pid, 'SIGKILL');
  await eventually(
    () => starts().filter(isAlive),
    (alive) => alive.length === 0,
  );
  expect(existsSync(root)).toBe(false);
  expect((await eaeCheck(worker)).ok).toBe(true);
});

test('EasyAudioEncoder never outlives its worker, and the next one fetches nothing', async () => {
  const worker = await cluster.startWorker('w1');
  await worker.logged('EasyAudioEncoder is usable');
  const hook = cluster.startHook([...behaviour({ block: true }), ...DOLBY]);
  await eventually(
    () => starts().filter(isAlive),
    (alive) => alive.length === 1,
  );
  worker.child.kill('SIGKILL');
  await worker.exited;
  await eventually(
    () => starts().filter(isAlive),
    (alive) => alive.length === 0,
  );
  process.kill(hook.pid, 'SIGKILL');
  service.down = true;
  const asked = service.asked.length;
  const next = await cluster.startWorker('w1');
  await next.logged('EasyAudioEncoder is usable');
  expect(service.asked).toHaveLength(asked);
});

test('workers that share a volume have an EasyAudioEncoder each', async () => {
  const workers = [await cluster.startWorker('w1'), await cluster.startWorker('w2')];
  for (const worker of workers) await worker.logged('EasyAudioEncoder is usable');
  const devices = ['w1', 'w2'].map((name) =>
    readFileSync(join(volume.directory, `eae-${name}/device-id`), 'utf8'),
  );
  expect(new Set(devices).size).toBe(2);
  expect([starts('w1').length, starts('w2').length]).toEqual([1, 1]);
});

test('a licence is renewed before it ends, while the worker runs', async () => {
  service.grant = 10;
  const worker = await cluster.startWorker('w1');
  await worker.logged('EasyAudioEncoder is usable');
  service.grant = 'lifetime';
  await worker.logged('EasyAudioEncoder has a licence', { endsAt: null });
  expect(await eaeCheck(worker)).toEqual({ ok: true, message: 'licensed', ready: true });
  expect(await metric(worker, 'clusterplex_eae_licence_end_seconds')).toBeUndefined();
  expect(worker.log.filter(({ msg }) => msg === 'EasyAudioEncoder is not usable')).toEqual([]);
});

test('a licence that ends and can’t be renewed: jobs that need it are refused, others run', async () => {
  service.grant = 6;
  const worker = await cluster.startWorker('w1');
  await worker.logged('EasyAudioEncoder is usable');
  service.down = true;
  await worker.logged('EasyAudioEncoder is not usable');
  const { ok, message, ready } = await eaeCheck(worker);
  expect({ ok, ready }).toEqual({ ok: false, ready: true });
  expect(message).toMatch(/^its licence ended at 20.*: http.*: the server answered 503$/);
  expect(await metric(worker, 'clusterplex_eae_available')).toBe('0');
  expect((await cluster.runHook(DOLBY)).code).not.toBe(0);
  expect(worker.lines('transcoder started')).toEqual([]);
  expect((await cluster.runHook(['-version'])).code).toBe(0);
});

test('a licence that EasyAudioEncoder itself does not accept is found out by trial', async () => {
  service.grant = 'forged';
  const worker = await cluster.startWorker('w1');
  await worker.logged('EasyAudioEncoder is not usable');
  expect((await eaeCheck(worker)).message).toBe('it ends at once: License has expired.');
});

test('an archive that is not what was announced is not unpacked', async () => {
  service.tampered = true;
  const worker = await cluster.startWorker('w1');
  await worker.logged('EasyAudioEncoder is not usable');
  expect((await eaeCheck(worker)).message).toMatch(
    /^it is not there: the archive .* its SHA-1 is [0-9a-f]{40}$/,
  );
  expect(readdirSync(join(volume.directory, 'eae-w1'))).toEqual(['device-id']);
});

test('EAE_SUPPORT=0: nothing is fetched, and jobs that need it are refused', async () => {
  const worker = await cluster.startWorker('w1', { EAE_SUPPORT: '0' });
  expect((await cluster.runHook(DOLBY)).code).not.toBe(0);
  await cluster.relay.logged('the hook runs it locally', {
    reason: 'none of the 1 workers may take it: w1: it has no EasyAudioEncoder for eac3_eae',
  });
  expect(worker.lines('transcoder started')).toEqual([]);
  expect(service.asked).toEqual([]);
  expect(await eaeCheck(worker)).toEqual({ ok: true, message: null, ready: true });
});
