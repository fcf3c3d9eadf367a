import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SharedDirectory } from '../../pms/relay/sharedDirectory.ts';
import { Storage } from '../../worker/storage/storage.ts';
import { Cluster } from '../support/cluster.ts';
import { FuseMount } from '../support/fuseMount.ts';
import type { Part } from '../support/part.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from '../support/recordingTranscoder.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const directory = mkdtempSync(join(tmpdir(), 'mounts-'));
/** What PMS has, and where the worker has the same, or should. */
const [transcode, media] = [join(directory, 'pms/transcode'), join(directory, 'pms/media')];
const [cached, store] = [join(directory, 'pms/cached'), join(directory, 'pms/store')];
const [transcodeHere, mediaHere] = [join(directory, 'worker/transcode'), join(directory, 'worker/media')];
const cachedHere = join(directory, 'worker/cached');
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const mounted: string[] = [];
let recorder: RecordingTranscoder;
let cluster: Cluster;
let workers = 0;

for (const path of [transcode, transcodeHere, mediaHere]) mkdirSync(path, { recursive: true });
for (const name of ['films', 'series', 'music']) mkdirSync(join(media, name, 'one'), { recursive: true });
// Whoever the worker runs as gets there.
chmodSync(directory, 0o755);

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    ...{ workers: [], transcoderDirectory: directory },
    hostOf: (part) => (part === 'nobody' ? { address: '127.0.0.1', enter: AS_NOBODY } : undefined),
    relayEnv: { MOUNTS: `${transcode}:rw,${media}:ro,${cached}:rw` },
  });
});

afterEach(() => {
  for (const path of mounted.splice(0)) spawnSync('umount', ['-l', path]);
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args);
  if (status !== 0) throw new Error(stderr.toString());
  mounted.push(args.at(-1) ?? '');
}

function obstacleToMounts(): string | null {
  try {
    mount('-t', 'tmpfs', 'test', mediaHere);
    return null;
  } catch (error) {
    return String(error);
  } finally {
    for (const path of mounted.splice(0)) spawnSync('umount', ['-l', path]);
  }
}

const obstacle = obstacleToMounts() ?? (await FuseMount.obstacle());
if (obstacle !== null)
  process.stderr.write(`NOT TESTED, what the worker finds out about mounts: ${obstacle}\n`);
const here = test.runIf(obstacle === null);

interface Ready {
  readonly ready: boolean;
  readonly storage: string | null;
}

/** A worker with these mounts, each in the place of one of PMS's. */
async function startWorker(mounts: string, env: Readonly<Record<string, string>> = {}): Promise<Part> {
  workers += 1;
  return cluster.startWorker(`w${workers}`, {
    ...{ MOUNTS: mounts, PATH_MAP: `${transcode}=${transcodeHere},${media}=${mediaHere}` },
    ...env,
  });
}

async function askedReady(worker: Part): Promise<Ready> {
  const answer: unknown = await (await fetch(`${await worker.listening()}/ready`)).json();
  const { ready, checks } = Object(answer);
  const { message } = Object(checks.find((check: unknown) => Object(check).name === 'storage'));
  return { ready, storage: message };
}

/** What /ready comes to say. */
async function saysReady(worker: Part, ready: boolean, text: RegExp | null, timeout = 15_000): Promise<void> {
  await expect
    .poll(() => askedReady(worker), { timeout, interval: 100 })
    .toEqual({ ready, storage: text === null ? null : expect.stringMatching(text) });
}

function shareAll(): void {
  mount('--bind', transcode, transcodeHere);
  mount('--bind', media, mediaHere);
}

const ALL = `${transcodeHere}:rw,${mediaHere}:ro`;

here(
  'the same volumes: ready, and both sides see within a second or two what the other one writes',
  async () => {
    shareAll();
    const worker = await startWorker(ALL);
    const address = await worker.listening();
    await expect
      .poll(async () => (await fetch(`${address}/metrics`)).text(), { timeout: 50_000, interval: 200 })
      .toMatch(
        /clusterplex_mount_latency_seconds\{path="[^"]*transcode",written_by="pms"\} [01]\.?\d*\n.*written_by="worker"\} [0-4]\.?\d*\n/,
      );
    await saysReady(worker, true, null);
    const answer: unknown = await cluster.api(`/api/v1/workers/w${workers}`);
    expect(answer).toMatchObject({
      storage: [
        { mode: 'rw', problem: null, type: expect.any(String), latencyMs: expect.any(Number) },
        { mode: 'ro' },
      ],
    });
  },
  // A slow first crossing is told until three others are known.
  60_000,
);

here('an empty mount point: nothing is mounted there', async () => {
  const worker = await startWorker(ALL);
  await saysReady(worker, false, /transcode is not the volume that PMS uses as .*; nothing is mounted there/);
  await saysReady(worker, false, /media is not the volume that PMS uses as .*: it is empty; nothing is/);
  shareAll();
  await saysReady(worker, true, null);
});

here('another volume at the same path', async () => {
  for (const path of [transcodeHere, mediaHere]) mount('-t', 'tmpfs', 'other', path);
  mkdirSync(join(mediaHere, 'photos'));
  const worker = await startWorker(ALL);
  await saysReady(
    worker,
    false,
    /transcode is not the volume that PMS uses .*worker\/transcode is tmpfs other/,
  );
  await saysReady(worker, false, /media is not the volume that PMS uses .*: other things are in it/);
  rmSync(join(mediaHere, 'photos'), { recursive: true });
  for (const name of ['films', 'series', 'music']) mkdirSync(join(mediaHere, name));
  await saysReady(worker, false, /media is not the volume that PMS uses .*: other things are in its folders/);
});

here('read only, where transcodes are written', async () => {
  shareAll();
  mount('-o', 'remount,bind,ro', transcodeHere);
  const declared = await startWorker(ALL);
  await saysReady(declared, false, /transcode is mounted read only \(\w+ .*\), but MOUNTS says rw/);
  const admitted = await startWorker(`${transcodeHere}:ro,${mediaHere}:ro`);
  await saysReady(admitted, false, /transcodes are written to .*transcode, .* but MOUNTS says ro/);
});

here('not writable as the user that the worker runs as', async () => {
  shareAll();
  const worker = await cluster.startWorker('nobody', {
    ...{ MOUNTS: ALL, PATH_MAP: `${transcode}=${transcodeHere},${media}=${mediaHere}` },
  });
  await saysReady(worker, false, /transcode can't be written as this user \(uid 65534\), but MOUNTS says rw/);
});

here('a mount that hangs', async () => {
  shareAll();
  const worker = await startWorker(ALL);
  const fuse = await FuseMount.hung(mediaHere);
  try {
    await saysReady(worker, false, /media does not answer within 5000 ms/);
  } finally {
    fuse.remove();
  }
  await saysReady(worker, true, null);
});

here(
  'attributes that are cached for 30 s: a warning with both what it is and what to do',
  async () => {
    mount('--bind', media, mediaHere);
    const fuse = await FuseMount.caching(transcodeHere, transcode, 30);
    try {
      const worker = await startWorker(ALL);
      const slow =
        /transcode: what PMS writes is seen here only \d+ s later, because attributes are cached: .*here with actimeo=1/;
      await saysReady(worker, true, slow, 60_000);
      const text = await (await fetch(`${await worker.listening()}/metrics`)).text();
      const [, seconds] = /written_by="pms"\} ([0-9.]+)/.exec(text) ?? [];
      expect(Number(seconds)).toBeGreaterThan(5);
    } finally {
      fuse.remove();
    }
  },
  90_000,
);

here('what PMS shares and the worker does not have is named, and what is shared nowhere is too', async () => {
  shareAll();
  const worker = await startWorker(`${transcodeHere}:rw`);
  await saysReady(
    worker,
    true,
    /PMS shares .*pms\/media \(media\), here .*, which is not here: add it to MOUNTS/,
  );
  const mediaOnly = await startWorker(`${mediaHere}:ro`);
  await saysReady(
    mediaOnly,
    false,
    /PMS shares .*pms\/transcode \(transcode\), here .*, which is not here: add/,
  );
  const hook = cluster.startHook(['-i', 'x'], { cwd: '/' });
  await cluster.relay.logged('a job is to write where PMS shares nothing with the workers', {
    directory: '/',
  });
  process.kill(hook.pid, 'SIGKILL');
  await hook.exited;
});

here(
  'attributes that PMS caches for 30 s',
  async () => {
    shareAll();
    for (const path of [cached, store, cachedHere]) mkdirSync(path);
    mount('--bind', store, cachedHere);
    const fuse = await FuseMount.caching(cached, store, 30);
    try {
      const worker = await startWorker(`${ALL},${cachedHere}:rw`, {
        PATH_MAP: `${transcode}=${transcodeHere},${media}=${mediaHere},${cached}=${cachedHere}`,
      });
      const slow =
        /cached: what is written here is seen by PMS only \d+ s later, because attributes are cached: .* at PMS with/;
      await saysReady(worker, true, slow, 60_000);
    } finally {
      fuse.remove();
    }
  },
  90_000,
);

/** Both sides of the transcode directory in one process, in which two minutes pass at once. */
async function twoMinutes(): Promise<Storage> {
  const [clock, instance] = [new FakeClock(), randomUUID()];
  let looked: () => void = () => undefined;
  const look = (): Promise<void> => new Promise((resolve) => (looked = resolve));
  const relay = new SharedDirectory({
    ...{ mount: { path: transcode, mode: 'rw', optional: false }, series: `pms-${randomUUID()}`, clock },
    ...{ logger: pino({ level: 'silent' }), changed: () => looked() },
  });
  const storage = new Storage({
    declared: [{ path: transcodeHere, mode: 'rw', optional: false }],
    pathMap: [{ from: transcode, to: transcodeHere }],
    ...{ instance, clock, changed: () => undefined },
  });
  await relay.look();
  for (let seconds = 0; seconds <= 160; seconds += 20) {
    const { shared } = relay;
    if (!shared) throw new Error('PMS shares nothing');
    const seen = shared.seen.find((name) => name.startsWith(`worker-${instance}`)) ?? null;
    storage.compare([{ ...shared, seen }]);
    // One look may have been under way, which is followed by another.
    for (let looks = 0; looks < 2; looks += 1) await storage.start();
    const done = look();
    // Not the probes' deadlines, too.
    clock.time += 20_000;
    clock.advance(0);
    await done;
  }
  relay.stop();
  storage.stop();
  return storage;
}

here('an overlay over the volume: what PMS writes is seen, and what is written stays here', async () => {
  shareAll();
  expect((await twoMinutes()).problems).toEqual([]);
  for (const name of ['upper', 'work']) mkdirSync(join(directory, name));
  const layers = `lowerdir=${transcode},upperdir=${join(directory, 'upper')},workdir=${join(directory, 'work')}`;
  mount('-t', 'overlay', '-o', layers, 'copy', transcodeHere);
  const { problems } = await twoMinutes();
  expect(problems).toEqual([
    expect.stringMatching(
      /transcode: what is written here never reaches PMS, .*what is mounted at .* is overlay copy; mount what PMS has/,
    ),
  ]);
});
