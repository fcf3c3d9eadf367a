import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { copyFile, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { announcedFiles } from '../../pms/relay/announced/files.ts';
import { readMpd } from '../../pms/relay/announced/mpd.ts';
import { readNumberedList } from '../../pms/relay/announced/segmentList.ts';
import { Cluster } from '../support/cluster.ts';
import { corpusCommand } from '../support/corpus.ts';
import { FakePms } from '../support/fakePms.ts';
import { type Fault, FuseMount } from '../support/fuseMount.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { retarget, small } from '../support/retarget.ts';
import { makeSample } from '../support/sample.ts';
import { DASH, HLS } from '../support/standInStage.ts';

const SECONDS = 40;
const EIO = 5;
const ETIMEDOUT = 110;
const ESTALE = 116;
const RETRIES = 'clusterplex_retries_total{reason="incomplete"}';

const directory = mkdtempSync(join(tmpdir(), 'read-error-'));
const sample = join(directory, 'sample.mkv');
let pms: FakePms;
let cluster: Cluster;
let hook: string;
/** How many attempts exited with 0, and were followed by another. */
let disbelieved = 0;

beforeAll(async () => {
  await makeSample(sample, { seconds: SECONDS, width: 320, height: 180 });
  pms = await FakePms.start();
  const original = await installPlexTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1', 'w2'],
    slots: 4,
    transcoderDirectory: directory,
    pmsPort: pms.port,
    mounts: `${directory}:rw`,
    env: { STALL_MS: '3000' },
  });
  hook = cluster.installHook(original);
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  await pms.close();
  rmSync(directory, { recursive: true });
});

/** Has PMS play the film to its end. Returns the exit, what PMS was told last, and the job's attempts and story. */
async function play(id: string, input: string, mode: 'remote' | 'both' = 'remote') {
  const transcodeDirectory = join(directory, 'transcode');
  const job = small(retarget(corpusCommand(id), { input, pmsPort: pms.port, transcodeDirectory }));
  const documents: string[] = [];
  pms.onRequest(({ job: ofJob, call, body }) => {
    if (ofJob === job.job && (call === 'manifest' || call === 'seglist')) documents.push(body);
  });
  const env = { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: mode };
  const exit = await (await pms.spawn(hook, job, env)).exited;
  const document = documents.at(-1) ?? '';
  const jobs = await cluster.api('/api/v1/jobs');
  const all: unknown[] = Array.isArray(jobs) ? jobs : [];
  const { jobId } = Object(all.find((each) => Object(each).session === job.session));
  const { attempts, outcome, story } = Object(await cluster.api(`/api/v1/jobs/${jobId}`));
  const missing = announcedFiles(document).filter(({ name }) => !existsSync(join(job.cwd, name)));
  disbelieved += attempts.slice(0, -1).filter((attempt: unknown) => {
    return Object(attempt).outcome.exitCode === 0;
  }).length;
  const [local] = cluster.relay.lines('the hook runs it locally', { jobId });
  return {
    ...{ exit, missing, seconds: secondsIn(document), attempts, outcome },
    ...{ local, story: JSON.stringify(story) },
  };
}

/** How long the picture is that a document announces. */
function secondsIn(document: string): number {
  const rows = readNumberedList(document);
  if (rows) return rows.at(-1)?.end ?? 0;
  const template = readMpd(document)?.representations.find(({ isVideo }) => isVideo)?.template;
  return (template?.entries ?? []).reduce((sum, { d }) => sum + d / (template?.timescale ?? 1), 0);
}

async function retries(): Promise<number> {
  const text = await (await fetch(`${cluster.address}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(RETRIES));
  return Number(line?.slice(RETRIES.length) ?? 0);
}

const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, a mount with read errors: ${obstacle}\n`);

/** A file that can't be read on from there, until so many have tried. */
async function faulty(share: number, read: Fault['read'], heals: number) {
  const media = mkdtempSync(join(directory, 'media-'));
  const offset = Math.floor(statSync(sample).size * share);
  const mount = await FuseMount.faulty(media, sample, 'film.mkv', { offset, read, heals });
  return { film: join(media, 'film.mkv'), remove: () => mount.remove() };
}

const faults = test.runIf(obstacle === null).concurrent;

/** The whole film, as far as PMS knows. */
function expectWhole({ exit, missing, seconds }: Awaited<ReturnType<typeof play>>): void {
  expect(exit).toEqual({ code: 0, signal: null });
  expect(missing).toEqual([]);
  expect(seconds).toBeGreaterThan(SECONDS - 1);
  expect(seconds).toBeLessThan(SECONDS + 1);
}

faults.each([
  ['DASH', DASH, EIO, 'Input/output error'],
  ['HLS', HLS, ESTALE, 'Stale file handle'],
  ['DASH', DASH, ETIMEDOUT, 'Connection timed out'],
])(
  '%s: a transcoder that exits with 0 after a read error is followed by one that makes the rest',
  async (_kind, id, error, words) => {
    const mount = await faulty(0.4, error, 1);
    try {
      const played = await play(id, mount.film);
      expectWhole(played);
      const { attempts, story } = played;
      expect(attempts).toMatchObject([
        { outcome: { exitCode: 0, readError: words } },
        { outcome: { exitCode: 0, readError: null } },
      ]);
      expect(attempts[0].worker).not.toBe(attempts[1].worker);
      // PMS wants only the transcoder of this DASH command to be silent.
      if (id === DASH) expect(attempts[0].outcome.stderrBytes).toBe(0);
      expect(story).toMatch(
        /exit code 0 is not believed: it ended at 1\d s of 40 s.*goes on at segment [1-9]/,
      );
    } finally {
      mount.remove();
    }
  },
);

faults.each([
  ['EIO', EIO, 'Input/output error'],
  ['ESTALE', ESTALE, 'Stale file handle'],
  ['no answer', 'hang', 'it stood still'],
] as const)('%s after a fifth, for everybody, is a failure that says so', async (_kind, error, words) => {
  const mount = await faulty(0.21, error, 0);
  try {
    const { exit, attempts, outcome } = await play(DASH, mount.film);
    expect(exit).toEqual({ code: 74, signal: null });
    expect(attempts).toHaveLength(2);
    expect(outcome).toMatchObject({
      reason: 'incomplete',
      message: expect.stringMatching(
        new RegExp(`^its input could not be read on: ${words}, on (w1, w2|w2, w1)$`),
      ),
    });
  } finally {
    mount.remove();
  }
});

faults('what no worker can read on goes on at its hook, which can', async () => {
  const mount = await faulty(0.4, EIO, 2);
  try {
    const played = await play(DASH, mount.film, 'both');
    expectWhole(played);
    const { attempts, outcome, local } = played;
    expect(attempts).toHaveLength(2);
    expect(outcome).toMatchObject({ reason: 'incomplete' });
    expect(local).toMatchObject({
      reason: expect.stringMatching(/^its input could not be read on: Input\/output error/),
      resume: { segment: expect.any(Number) },
    });
  } finally {
    mount.remove();
  }
});

faults.each([
  ['DASH', DASH, 'goes on at segment [1-9]'],
  // This one burns subtitles in, for which ffmpeg reads the whole film first.
  ['HLS', HLS, 'from the beginning'],
])(
  '%s: a read that hangs is left where it is, and another worker makes the rest',
  async (_kind, id, whence) => {
    const mount = await faulty(0.21, 'hang', 1);
    try {
      const played = await play(id, mount.film);
      expectWhole(played);
      const { attempts, story } = played;
      expect(attempts).toMatchObject([{ outcome: { reason: 'lost' } }, { outcome: { exitCode: 0 } }]);
      expect(attempts[0].worker).not.toBe(attempts[1].worker);
      expect(story).toMatch(new RegExp(`it stood still for 3000 ms on w[12].*${whence}`));
    } finally {
      mount.remove();
    }
  },
);

test.concurrent.each([
  ['DASH', DASH],
  ['HLS', HLS],
])('%s: a file that is cut off is tried once more, and then it is the file', async (_, id) => {
  const cut = join(directory, `cut-${id}.mkv`);
  await copyFile(sample, cut);
  await truncate(cut, Math.floor(statSync(sample).size * 0.5));
  const { exit, missing, seconds, attempts } = await play(id, cut);
  expect(exit).toEqual({ code: 0, signal: null });
  expect(missing).toEqual([]);
  expect(seconds).toBeGreaterThan(SECONDS * 0.4);
  expect(attempts).toHaveLength(2);
});

test.concurrent('what is whole is made once', async () => {
  const { exit, attempts } = await play(DASH, sample);
  expect(exit).toEqual({ code: 0, signal: null });
  expect(attempts).toHaveLength(1);
});

test('each that was not believed is counted', async () => {
  expect(disbelieved).toBeGreaterThan(0);
  expect(await retries()).toBe(disbelieved);
});
