import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { ArchiveThread } from '../../../../orchestrator/history/archive.ts';
import { NEWEST } from '../../../../orchestrator/history/query.ts';
import { FakeClock } from '../fakeClock.ts';
import { story } from './stories.ts';

test('a file that hangs keeps nobody waiting, and is asked again once it has answered', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'history-'));
  const path = join(directory, 'pipe');
  // Whoever opens it to write waits until somebody reads.
  execFileSync('mkfifo', [path]);
  const clock = new FakeClock();
  const archive = new ArchiveThread({ path, days: 1, megabytes: 1 }, clock, pino({ level: 'silent' }));
  const question = { type: 'story', jobId: 'a' } as const;
  const [first, second] = [archive.ask(question), archive.ask(question)];
  clock.advance(5_000);
  for (const answer of [first, second, archive.ask(question)]) {
    await expect(answer).rejects.toThrow('it does not answer within 5000 ms');
  }
  const reader = openSync(path, 'r');
  const problem = () => archive.ask(question).catch(({ message }: Error) => message);
  await expect.poll(problem).toMatch(/database file|disk I\/O/);
  expect(clock.timers).toEqual([]);
  closeSync(reader);
  await archive.close();
  rmSync(directory, { recursive: true });
});

test('jobs to which more come are written with those', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'history-'));
  const settings = { path: join(directory, 'history.sqlite'), days: 36_500, megabytes: 1 };
  const archive = new ArchiveThread(settings, new FakeClock(), pino({ level: 'silent' }));
  const found = async () => {
    const { page } = await archive.ask({ type: 'search', query: { before: NEWEST, limit: 9 } });
    return page?.jobs.map(({ jobId }) => jobId);
  };
  await archive.ask({ type: 'write', jobs: [story('a', 0)], records: [], more: true });
  expect(await found()).toEqual([]);
  await archive.ask({ type: 'write', jobs: [story('b', 1)], records: [], more: false });
  expect(await found()).toEqual(['b', 'a']);
  await archive.close();
  rmSync(directory, { recursive: true });
});

test('a thread that fails is started again, after a while that doubles until it answers', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'history-'));
  const program = join(directory, 'thread.mjs');
  writeFileSync(
    program,
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', ({ id, question }) => {
       if (question.jobId === 'fatal') throw new Error('broken');
       parentPort.postMessage({ type: 'answer', id, answer: {} });
     });`,
  );
  const clock = new FakeClock();
  const settings = { path: 'unused', days: 1, megabytes: 1 };
  const archive = new ArchiveThread(settings, clock, pino({ level: 'silent' }), pathToFileURL(program));
  const ask = (jobId: string) => archive.ask({ type: 'story', jobId });
  for (const wait of [1_000, 2_000]) {
    await expect(ask('fatal')).rejects.toThrow('its thread failed: broken');
    clock.advance(wait - 1);
    await expect(ask('good')).rejects.toThrow('its thread failed: broken');
    clock.advance(1);
  }
  expect(await ask('good')).toEqual({});
  await expect(ask('fatal')).rejects.toThrow('its thread failed: broken');
  clock.advance(1_000);
  expect(await ask('good')).toEqual({});
  await archive.close();
  rmSync(directory, { recursive: true });
});

test('one that can’t be started is tried again, after a while that doubles likewise', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'history-'));
  const file = join(directory, 'history.sqlite');
  let fails = true;
  const settings = {
    ...{ days: 1, megabytes: 1 },
    get path() {
      if (fails) throw new Error('EAGAIN');
      return file;
    },
  };
  const clock = new FakeClock();
  const archive = new ArchiveThread(settings, clock, pino({ level: 'silent' }));
  const ask = () => archive.ask({ type: 'story', jobId: 'a' });
  for (const wait of [1_000, 2_000, 4_000]) {
    clock.advance(wait - 1);
    fails = wait < 4_000;
    await expect(ask()).rejects.toThrow("its thread can't be started: EAGAIN");
    clock.advance(1);
    if (fails) await expect(ask()).rejects.toThrow("its thread can't be started: EAGAIN");
  }
  expect(await ask()).toEqual({ story: null });
  await archive.close();
  rmSync(directory, { recursive: true });
});
