import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
