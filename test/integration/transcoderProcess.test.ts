import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { FenceWatch, type Ownership } from '../../worker/transcoder/fence.ts';
import { TranscoderProcess } from '../../worker/transcoder/process.ts';
import { allEnded } from '../support/processes.ts';

const logger = pino({ level: 'silent' });
const WRITER = 'a worker';
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
function run(script: string, ownership: Partial<Ownership> = {}) {
  let process: TranscoderProcess | null = null;
  const started = Promise.withResolvers<number>();
  const over = Promise.withResolvers<string>();
  process = new TranscoderProcess({
    command: {
      ...{ file: '/bin/sh', argv: ['-c', script], env: { PATH: '/bin:/usr/bin' }, cwd },
      ownership: { file: '.owner', number: 1, writer: WRITER, ...ownership },
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
