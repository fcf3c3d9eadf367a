import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '#shared/clock.ts';
import { FenceWatch } from '../../worker/transcoder/fence.ts';
import { TranscoderProcess } from '../../worker/transcoder/process.ts';
import { FuseMount } from '../support/fuseMount.ts';
import { allEnded, descendantsOf, isRunning } from '../support/processes.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const WRITER = 'a worker';
let directory: string;
let cwd: string;
let fence: FenceWatch;
let mount: FuseMount | null = null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'on-hung-server-'));
  cwd = join(directory, 'cwd');
  mkdirSync(cwd);
  const logger = pino({ level: 'silent' });
  fence = new FenceWatch(WRITER, {}, { clock: systemClock, random: Math.random, logger });
  fence.start();
});

afterEach(() => {
  mount?.remove();
  mount = null;
  fence.stop();
  rmSync(directory, { recursive: true });
});

/** Runs a shell command as a transcoder; `over` is how it came to its end. */
function run(script: string, clock: Clock = systemClock) {
  const started = Promise.withResolvers<number>();
  const over = Promise.withResolvers<string>();
  const transcoder: TranscoderProcess = new TranscoderProcess({
    command: {
      ...{ file: '/bin/sh', argv: ['-c', script], env: { PATH: '/bin:/usr/bin' }, cwd },
      ownership: { file: '.owner', number: 1, writer: WRITER },
      confinement: { roots: [], files: [] },
    },
    ...{ mark: 'job 1', killGraceMs: 1_000, clock, fence },
    handlers: {
      started: () => started.resolve(transcoder.pid ?? 0),
      output: () => undefined,
      failed: over.resolve,
      ended: ({ exitCode }) => over.resolve(`exit ${exitCode}`),
    },
  });
  return { process: transcoder, started: started.promise, over: over.promise };
}

const obstacle = await FuseMount.obstacle();
if (obstacle !== null)
  process.stderr.write(`NOT TESTED, who dies on a file server that hangs: ${obstacle}\n`);

const onHungServer = test.runIf(obstacle === null);

/** Kills one that has a file open on a server that hangs; it has its cwd already. */
async function killedWhileItHangs(beforeTheKill: () => Promise<void> | void) {
  const [media, opened] = [join(directory, 'media'), join(directory, 'opened')];
  mkdirSync(media);
  const film = join(directory, 'film.mkv');
  writeFileSync(film, 'film');
  mount = await FuseMount.healthy(media, film, 'film.mkv');
  const killed = run(`exec 3< ${media}/film.mkv; mkdir ${opened}; exec sleep 3600`);
  const pid = await killed.started;
  await vi.waitUntil(() => existsSync(opened));
  mount.hang();
  await beforeTheKill();
  killed.process.end('SIGKILL');
  return { over: killed.over, pid, server: mount };
}

onHungServer('who was killed is over, though a file server that hangs keeps it from its end', async () => {
  const { over, pid, server } = await killedWhileItHangs(() => undefined);
  expect(await over).toBe('exit null');
  expect(isRunning(pid)).toBe(true);
  server.comeBack();
  await allEnded([pid]);
});

onHungServer('who was killed is not over before what it wrote has reached its server', async () => {
  let output: FuseMount | null = null;
  const { over, pid, server } = await killedWhileItHangs(async () => {
    output = await FuseMount.hung(cwd);
  });
  let isOver = false;
  const end = over.finally(() => {
    isOver = true;
  });
  await vi.waitUntil(() => descendantsOf(process.pid).some((one) => nameOf(one) === 'sync'), 10_000);
  expect(isOver).toBe(false);
  (output as FuseMount | null)?.remove();
  expect(await end).toBe('exit null');
  server.comeBack();
  await allEnded([pid]);
});

onHungServer('who is ended before it could enter its cwd waits for that no longer than anybody', async () => {
  mount = await FuseMount.deaf(cwd);
  const clock = new FakeClock();
  const { process: transcoder, over } = run('true', clock);
  // Nothing ends it any more.
  await vi.waitUntil(() => statusOf(transcoder.pid ?? 0) === 'D', 10_000);
  transcoder.end('SIGTERM');
  clock.advance(60_000);
  expect(await over).toBe('cwd does not answer within 10000 ms');
});

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function statusOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).slice(0, 1);
}
