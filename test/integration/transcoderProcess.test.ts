import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { FenceWatch, type Ownership } from '../../worker/transcoder/fence.ts';
import type { Confinement } from '../../worker/transcoder/launch.ts';
import { TranscoderProcess } from '../../worker/transcoder/process.ts';
import { allEnded } from '../support/processes.ts';

const logger = pino({ level: 'silent' });
const WRITER = 'a worker';
const NO_PLACES: Confinement = { roots: [], files: [] };
let directory: string;
let cwd: string;
let temporary: string;
let fence: FenceWatch;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'transcoder-process-'));
  cwd = join(directory, 'cwd');
  temporary = join(directory, 'tmp');
  mkdirSync(cwd);
  mkdirSync(temporary);
  vi.stubEnv('TMPDIR', temporary);
  fence = newFence();
});

afterEach(() => {
  fence.stop();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function newFence(writer = WRITER): FenceWatch {
  const watch = new FenceWatch(writer, {}, { clock: systemClock, random: Math.random, logger });
  watch.start();
  return watch;
}

/** Runs a shell command as a transcoder; resolves with how it came to its end. */
function run(script: string, ownership: Partial<Ownership> = {}, confinement = NO_PLACES) {
  let process: TranscoderProcess | null = null;
  const started = Promise.withResolvers<number>();
  const over = Promise.withResolvers<string>();
  process = new TranscoderProcess({
    command: {
      ...{ file: '/bin/sh', argv: ['-c', script], env: { PATH: '/bin:/usr/bin' }, cwd },
      ownership: { file: '.owner', number: 1, writer: WRITER, ...ownership },
      confinement,
    },
    ...{ mark: 'job 1', killGraceMs: 1_000, clock: systemClock, fence },
    handlers: {
      started: () => started.resolve(process?.pid ?? 0),
      output: () => undefined,
      failed: (reason) => over.resolve(reason),
      ended: ({ exitCode, superseded }) => over.resolve(superseded ? 'superseded' : `exit ${exitCode}`),
    },
  });
  return { process, started: started.promise, over: over.promise };
}

test('the owner file says byte for byte who owns the job', async () => {
  const writer = String.raw`7:8:DOMAIN\new\tworker\c`;
  expect(await run('exit 3', { writer }).over).toBe('exit 3');
  expect(readFileSync(join(cwd, '.owner'), 'utf8')).toBe(`1 ${writer}\n`);
});

test('of many that start the same attempt at once one gets the job, and only the owner file is left', async () => {
  const runs = Array.from({ length: 8 }, (_, index) => run('exit 0', { writer: `worker ${index}` }).over);
  const ends = await Promise.all(runs);
  expect(ends.toSorted()).toEqual([...Array(7).fill('another attempt owns the job'), 'exit 0']);
  expect(readdirSync(cwd)).toEqual(['.owner']);
});

test('an attempt that has ended still keeps its own number and older ones from starting', async () => {
  expect(await run('exit 0', { number: 2 }).over).toBe('exit 0');
  for (const number of [1, 2]) {
    expect(await run('exit 0', { number, writer: 'late' }).over).toBe('another attempt owns the job');
  }
  expect(await run('exit 0', { number: 3 }).over).toBe('exit 0');
  expect(readdirSync(cwd)).toEqual(['.owner']);
});

test('an earlier attempt that starts in the same moment, and writes last, does not run on beside the later one', async () => {
  const later = run('sleep 60', { number: 2 });
  await later.started;
  writeFileSync(join(cwd, '.owner'), '');
  const earlier = run('sleep 60', { number: 1 });
  await earlier.started;
  expect(await earlier.over).toBe('superseded');
  expect(readFileSync(join(cwd, '.owner'), 'utf8')).toBe(`2 ${WRITER}\n`);
  later.process.end('SIGTERM');
  expect(await later.over).toBe('exit null');
});

test('a transcoder runs though somebody tidied up the temporary directory, and is still watched', async () => {
  rmSync(temporary, { recursive: true });
  const { started, over } = run('sleep 60');
  await started;
  writeFileSync(join(cwd, '.owner'), '2 another\n');
  expect(await over).toBe('superseded');
});

test('a transcoder that can’t be watched does not run', async () => {
  rmSync(temporary, { recursive: true });
  writeFileSync(temporary, 'a file');
  const { process, over } = run('sleep 60');
  expect(await over).toMatch(/^the fence can't watch it: .*ENOTDIR/);
  await allEnded([process.pid ?? 0]);
  expect(readdirSync(cwd)).toContain('.owner');
});

describe('links', () => {
  /** A read-only mount, a writable one, and something outside of both. */
  function places() {
    const [media, work, outside] = ['media', 'work', 'outside'].map((name) => {
      const place = join(directory, `${name} *é`);
      mkdirSync(place);
      writeFileSync(join(place, 'file'), 'x');
      return place;
    });
    return { media: media ?? '', work: work ?? '', outside: outside ?? '' };
  }

  function confined(file: string, mode: 'ro' | 'rw' = 'ro'): Promise<string> {
    const roots = [
      { path: join(directory, 'media *é'), mode: 'ro' },
      { path: join(directory, 'work *é'), mode: 'rw' },
      { path: join(directory, 'not there'), mode: 'rw' },
    ] as const;
    return run('exit 0', {}, { roots, files: [{ path: file, mode }] }).over;
  }

  test.each<[string, (at: ReturnType<typeof places>) => string, 'ro' | 'rw', boolean]>([
    ['a file', ({ media }) => `${media}/file`, 'ro', true],
    ['one that is not there', ({ media }) => `${media}/none`, 'ro', true],
    ['one in a directory that is not there', ({ media }) => `${media}/none/none`, 'ro', true],
    ['the root itself', ({ media }) => media, 'ro', true],
    ['a new file in the writable root', ({ work }) => `${work}/new`, 'rw', true],
    ['a step up and down inside', ({ media, work }) => `${media}/../${basename(work)}/file`, 'ro', true],
    ['a link to a file inside', ({ media }) => link(`${media}/l`, `${media}/file`), 'ro', true],
    ['a link to a file in another root', ({ media, work }) => link(`${media}/l`, `${work}/file`), 'ro', true],
    ['a link to a directory inside', ({ media, work }) => link(`${media}/l`, work), 'ro', true],
    ['a file outside', ({ outside }) => `${outside}/file`, 'ro', false],
    ['a link to a file outside', ({ media, outside }) => link(`${media}/l`, `${outside}/file`), 'ro', false],
    [
      'a link whose name has a newline',
      ({ media, outside }) => link(`${media}/l\n`, `${outside}/file`),
      'ro',
      false,
    ],
    [
      'a link to a link',
      ({ media, outside }) => link(`${media}/l2`, link(`${media}/l`, `${outside}/file`)),
      'ro',
      false,
    ],
    ['below a link outside', ({ media, outside }) => `${link(`${media}/l`, outside)}/file`, 'ro', false],
    [
      'up from behind a link',
      ({ media, work }) => `${link(`${media}/l`, `${work}/..`)}/outside *é/file`,
      'ro',
      false,
    ],
    [
      'a link to what is not there yet',
      ({ work, outside }) => link(`${work}/l`, `${outside}/new`),
      'rw',
      false,
    ],
    ['a link that leads nowhere', ({ media }) => link(`${media}/l`, `${media}/l`), 'ro', false],
    ['up from a link to the root', ({ media }) => `${link(`${media}/l`, media)}/..`, 'ro', false],
    ['a link to the root directory', ({ media }) => link(`${media}/l`, '/'), 'ro', false],
    ['a name that only begins like the root', ({ media }) => `${media}2`, 'ro', false],
    ['a read-only root, to write', ({ media }) => `${media}/new`, 'rw', false],
    [
      'a link from the writable root into the read-only one, to write',
      ({ media, work }) => link(`${work}/l`, `${media}/file`),
      'rw',
      false,
    ],
  ])('%s', async (_what, fileIn, mode, allowed) => {
    const file = fileIn(places());
    expect(await confined(file, mode)).toMatch(
      allowed ? /^exit 0$/ : /leads out of the mounts of this worker by a link \(setting MOUNTS\)/,
    );
  });

  test('a root that is itself a link', async () => {
    const { media } = places();
    const root = link(join(directory, 'r'), media);
    const confinement = {
      roots: [{ path: root, mode: 'ro' }],
      files: [{ path: `${root}/file`, mode: 'ro' }],
    } as const;
    expect(await run('exit 0', {}, confinement).over).toBe('exit 0');
  });

  test('bytes that are not UTF-8', async () => {
    const { outside } = places();
    const root = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff])]);
    mkdirSync(root);
    symlinkSync(outside, Buffer.concat([root, Buffer.from('/l')]));
    const at = (name: string) => ({
      ...{
        path: { base64: Buffer.concat([root, Buffer.from(name)]).toString('base64') },
        mode: 'ro' as const,
      },
    });
    const roots = [at('')];
    expect(await run('exit 0', {}, { roots, files: [at('/x')] }).over).toBe('exit 0');
    expect(await run('exit 0', {}, { roots, files: [at('/l/file')] }).over).toMatch(/by a link/);
  });
});

test('it gives way to the worker, goes first when memory runs out, and leaves no dump of its memory', async () => {
  const said = join(cwd, 'said');
  // Its priority is set from outside, a moment after its start.
  const script = `until [ "$(nice)" = 5 ]; do :; done; { cat /proc/self/oom_score_adj; ulimit -c; } > said`;
  expect(await run(`${script}; exit 0`).over).toBe('exit 0');
  expect(readFileSync(said, 'utf8')).toBe('500\n0\n');
});

function link(path: string, target: string): string {
  symlinkSync(target, path);
  return path;
}
