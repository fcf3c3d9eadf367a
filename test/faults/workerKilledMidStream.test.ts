import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { announcedFiles } from '../../pms/relay/announced/files.ts';
import { readMpd } from '../../pms/relay/announced/mpd.ts';
import { readNumberedList } from '../../pms/relay/announced/segmentList.ts';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import { ffmpegTools } from '../support/ffmpeg.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { type PmsJob, retarget } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';
import { DASH, HLS, inSegmentsOfOneSecond } from '../support/standInStage.ts';

// A job is waited for twice or three times, and each of its segments is probed.
vi.setConfig({ testTimeout: 90_000 });

const SECONDS = 20;
const FRAME = 1 / 24;

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

/** What PMS was told of one job, and what it would have missed had it looked at once. */
interface Seen {
  readonly documents: string[];
  readonly missing: string[];
  /** The list beside the manifest. */
  readonly subtitles: string[];
}

function watch({ job, cwd }: PmsJob): Seen {
  const seen: Seen = { documents: [], missing: [], subtitles: [] };
  const names = new Map<string[], Set<string>>();
  pms.onRequest(({ job: ofJob, call, query, body }) => {
    if (ofJob !== job || (call !== 'manifest' && call !== 'seglist')) return;
    const files = announcedFiles(body).map(({ name }) => name);
    const documents = query.get('stream') === 'subtitles' ? seen.subtitles : seen.documents;
    const known = names.get(documents) ?? new Set();
    names.set(documents, known);
    documents.push(body);
    for (const file of files) {
      if (!existsSync(join(cwd, file))) seen.missing.push(file);
      known.add(file);
    }
    const gone = [...known].filter((file) => !files.includes(file));
    seen.missing.push(...gone.map((file) => `${file}, announced before`));
  });
  return seen;
}

/** Times of the pictures in a file, in seconds from the first. */
async function picturesIn(file: Buffer): Promise<number[]> {
  const path = join(directory, 'probed');
  writeFileSync(path, file);
  const asked = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
  const { stdout } = await promisify(execFile)(ffmpegTools().ffprobe, [...asked, path]);
  const times = stdout
    .split('\n')
    .filter(Boolean)
    .map(Number.parseFloat)
    .sort((one, other) => one - other);
  return times.map((time) => time - (times[0] ?? 0));
}

/** The video segments that a document lists. The stand-in's muxer counts DASH times from each attempt's start. */
function videoIn(document: string): { file: string; start: number; end: number }[] {
  const rows = readNumberedList(document);
  if (rows) return rows.map(({ name, start, end }) => ({ file: name, start, end }));
  const template = readMpd(document)?.representations.find(({ isVideo }) => isVideo)?.template;
  const timescale = template?.timescale ?? 1;
  return (template?.entries ?? []).map(({ number, t, d }) => ({
    file: `chunk-stream0-${String(number).padStart(5, '0')}.m4s`,
    start: t / timescale,
    end: (t + d) / timescale,
  }));
}

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

const DASH_KIND: Kind = { name: 'DASH', id: DASH, init: 'init-stream0.m4s', adapt: inSegmentsOfOneSecond };
const HLS_COPIED: Kind = {
  name: 'HLS, copied',
  id: 'sp-ph-e35f3848',
  init: 'header',
  adapt: inShortSegments,
};

const started = (kind: Kind): PmsJob => {
  const transcodeDirectory = join(directory, 'transcode');
  const command = corpusCommand(kind.id);
  return kind.adapt(retarget(command, { input: sample, pmsPort: pms.port, transcodeDirectory }));
};

/** One playback whose worker is killed each time that PMS was told so often. Returns its story. */
async function play(job: PmsJob, seen: Seen, kills: readonly number[]): Promise<string> {
  pms.throttle = kills.includes(0);
  const child = await pms.spawn(hook, job, {
    RELAY_SOCKET: cluster.socket,
    TRANSCODE_OPERATING_MODE: 'remote',
  });
  let id = '';
  for (const [index, told] of kills.entries()) {
    do await pms.next(({ job: ofJob }) => ofJob === job.job);
    while (seen.documents.length < told);
    // So that it is still in the middle when it dies.
    pms.throttle = true;
    const [running] = Object.values(Object(await cluster.api('/api/v1/jobs?state=running')));
    const { worker, jobId } = Object(running);
    id = jobId;
    const killedAt = performance.now();
    await cluster.workers.get(worker)?.stop('SIGKILL');
    const restarted = cluster.startWorker(`${worker}-again`);
    await cluster.orchestrator.logged('job started', { jobId, attempt: index + 2 });
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    pms.throttle = false;
    await restarted;
  }
  expect(await child.exited).toEqual({ code: 0, signal: null });
  return JSON.stringify(await cluster.api(`/api/v1/jobs/${id}`));
}

/** That PMS was never misled, and that it has the whole film: each picture once, and each segment as announced. */
async function expectOneFilm(job: PmsJob, seen: Seen, init: string | null): Promise<void> {
  expect(seen.missing).toEqual([]);
  const times: number[] = [];
  for (const { file, start, end } of videoIn(seen.documents.at(-1) ?? '')) {
    const parts = init === null ? [file] : [init, file];
    const bytes = Buffer.concat(parts.map((part) => readFileSync(join(job.cwd, part))));
    const pictures = await picturesIn(bytes);
    const length = (pictures.at(-1) ?? 0) + FRAME;
    expect({ file, differs: Math.abs(end - start - length) > FRAME }).toEqual({ file, differs: false });
    times.push(...pictures.map((time) => start + time));
  }
  expect(times[0]).toBeLessThan(FRAME);
  expect(times.at(-1)).toBeGreaterThan(SECONDS - 0.2);
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const frame = steps.toSorted((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0;
  expect(Math.max(...steps)).toBeLessThan(1.5 * frame);
  expect(Math.min(...steps)).toBeGreaterThan(0.5 * frame);
}

test.each<Kind>([
  DASH_KIND,
  { name: 'DASH, copied', id: 'mc-dash-13', init: 'init-stream0.m4s', adapt: inShortSegments },
  { name: 'HLS', id: HLS, init: null, adapt: (job) => job },
  HLS_COPIED,
])('$name: the next attempt goes on where the first was, and PMS sees one', async (kind) => {
  const job = started(kind);
  const seen = watch(job);
  expect(await play(job, seen, [3])).toMatch(/goes on at segment [1-9]/);
  await expectOneFilm(job, seen, kind.init);
});

test('the third attempt goes on where the second was', async () => {
  const job = started(HLS_COPIED);
  const seen = watch(job);
  expect(await play(job, seen, [2, 5])).toMatch(/goes on at segment [1-4].*goes on at segment [5-9]/);
  await expectOneFilm(job, seen, HLS_COPIED.init);
});

test('before PMS was told of anything it begins at the beginning, whatever the first attempt left', async () => {
  const job = started(DASH_KIND);
  const seen = watch(job);
  mkdirSync(job.cwd, { recursive: true });
  for (const left of ['init-stream0.m4s', 'chunk-stream0-00001.m4s', 'chunk-stream0-00002.m4s.tmp']) {
    writeFileSync(join(job.cwd, left), '\0\0\x10\0moof, and then no more');
  }
  expect(await play(job, seen, [0])).not.toContain('goes on at segment');
  await expectOneFilm(job, seen, DASH_KIND.init);
});

test('with subtitles in segments it begins at the beginning, and both lists only grow', async () => {
  const kind = { ...DASH_KIND, id: 'mc-dash-33', adapt: inShortSegments };
  const job = started(kind);
  const argv = job.argv.map((element, index) =>
    job.argv[index - 1] === '-segment_list_size' ? '0' : element,
  );
  const seen = watch(job);
  expect(await play({ ...job, argv }, seen, [3])).toMatch(/subtitles in segments/);
  await expectOneFilm(job, seen, kind.init);
  const rows = readNumberedList(seen.subtitles.at(-1) ?? '') ?? [];
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: SECONDS }, (_, index) => index));
});
