import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobStoryView } from '#shared/api/schemas.ts';
import { outcomeWithoutProcess } from '#shared/job.ts';
import { HistoryFile } from '../../../../orchestrator/history/historyFile.ts';
import { type HistoryQuery, NEWEST, placeOf, placeText } from '../../../../orchestrator/history/query.ts';
import { HistoryStore, type StoreBounds } from '../../../../orchestrator/history/store.ts';
import { story } from './stories.ts';

const BOUNDS: StoreBounds = { days: 30, megabytes: 100 };
const START = Date.UTC(2026, 0);
const DAY_MS = 86_400_000;

let directory: string;
let path: string;
let store: HistoryStore | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'history-'));
  path = join(directory, 'deep', 'history.sqlite');
  store = null;
});

afterEach(() => {
  store?.close();
  rmSync(directory, { recursive: true });
});

function open(bounds: StoreBounds = BOUNDS): HistoryStore {
  store?.close();
  store = HistoryStore.open(path, bounds);
  return store;
}

function found(query: Partial<HistoryQuery> = {}): string[] {
  const { jobs } = (store ?? open()).search({ before: NEWEST, limit: 100, ...query });
  return jobs.map(({ jobId }) => jobId);
}

test('a job is there with its story when the file is opened again', () => {
  open().write([story('a', 0)], START);
  expect(open().story('a')).toEqual(story('a', 0));
  expect(open().story('b')).toBeNull();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a job that ends once more after a restart is there once', () => {
  open().write([story('a', 0), story('b', 1)], START);
  open().write([story('a', 2, { worker: 'w2' })], START);
  expect(found()).toEqual(['a', 'b']);
  expect(open().story('a')?.worker).toBe('w2');
});

test('jobs are found by every part that is asked for, and all of them', () => {
  open().write(
    [
      story('a', 0, { title: 'The 100% Film', class: 'background' }),
      story('b', 1, { title: 'The 100 Films', worker: 'w2' }),
      story('c', 2, {
        session: 'SESSION-1',
        outcome: outcomeWithoutProcess('lost', 'gone'),
      }),
      story('d_e', 3, { worker: null, title: '' }),
    ],
    START,
  );
  expect(found()).toEqual(['d_e', 'c', 'b', 'a']);
  expect(found({ search: 'the 100' })).toEqual(['b', 'a']);
  expect(found({ search: '100%' })).toEqual(['a']);
  expect(found({ search: 'session' })).toEqual(['c']);
  expect(found({ search: '_' })).toEqual(['d_e']);
  expect(found({ reason: 'lost' })).toEqual(['c']);
  expect(found({ class: 'background' })).toEqual(['a']);
  expect(found({ worker: 'w2' })).toEqual(['b']);
  expect(found({ worker: 'w2', class: 'background' })).toEqual([]);
});

test('pages follow each other without gap or repetition, also where jobs ended together', () => {
  open().write(
    Array.from({ length: 7 }, (_, index) => story(String(index), index < 5 ? 0 : 1)),
    START,
  );
  const pages: string[][] = [];
  for (let before: string | null = null; pages.length < 9; ) {
    const place = before === null ? NEWEST : placeOf(before);
    if (!place) throw new Error('no place');
    const { jobs, next } = open().search({ before: place, limit: 3 });
    pages.push(jobs.map(({ jobId }) => jobId));
    if (!next) break;
    before = placeText(next);
  }
  expect(pages).toEqual([['6', '5', '4'], ['3', '2', '1'], ['0']]);
  expect(found({ before: placeOf('2026-01-01T00:00:00.001Z') ?? NEWEST })).toEqual(['4', '3', '2', '1', '0']);
});

test.each(['', '2026', 'yesterday', '2026-01-01T00:00:00Z,', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00'])(
  'the place %j is none',
  (text) => expect(placeOf(text)).toBeNull(),
);

test('what is older than the days that were set is dropped', () => {
  open().write([story('a', 0), story('b', DAY_MS)], START + DAY_MS);
  open({ ...BOUNDS, days: 2 }).write([], START + 2 * DAY_MS + 1);
  expect(found()).toEqual(['b']);
});

test('a file that becomes too large loses its oldest jobs, and keeps its size', () => {
  const reason = 'x'.repeat(20_000);
  for (let batch = 0; batch < 10; batch += 1) {
    const jobs = Array.from({ length: 10 }, (_, index) => story(`${batch}${index}`, batch, { reason }));
    open({ ...BOUNDS, megabytes: 1 }).write(jobs, START);
    expect(statSync(path).size).toBeLessThanOrEqual(1_048_576);
  }
  const kept = found();
  expect(kept[0]).toBe('99');
  expect(kept.length).toBeGreaterThan(15);
  expect(open().story('00')).toBeNull();
});

test('what the API can’t say any more is left out', () => {
  open().write([story('a', 0), story('b', 1)], START);
  const database = new DatabaseSync(path);
  database.exec(`UPDATE jobs SET summary = '{}', story = '{}' WHERE job_id = 'a'`);
  database.close();
  expect(found()).toEqual(['b']);
  expect(open().story('a')).toBeNull();
});

test('a write that fails leaves what was there, and the next one works', () => {
  const file = new HistoryFile(path, BOUNDS, () => {});
  const write = (...jobs: JobStoryView[]) => file.use((opened) => opened.write(jobs, START));
  write(story('a', 0));
  expect(() => write(story('b', 0), story('c', 0, { endedAt: null }))).toThrow();
  write(story('d', 1));
  file.close();
  expect(found()).toEqual(['d', 'a']);
});

test.each([
  ['is no database', () => writeFileSync(path, 'x'.repeat(10_000))],
  [
    'is damaged inside',
    () => {
      open().write([story('a', 0)], START);
      store?.close();
      store = null;
      writeFileSync(path, readFileSync(path).fill(0xff, 4_096));
    },
  ],
  [
    'is of another version',
    () => {
      open().close();
      store = null;
      const database = new DatabaseSync(path);
      database.exec('PRAGMA user_version = 9');
      database.close();
    },
  ],
])('a file that %s is put aside, and a new one begun', (_, damage) => {
  mkdirSync(join(directory, 'deep'));
  damage();
  const told: string[] = [];
  const file = new HistoryFile(path, BOUNDS, (aside) => told.push(aside));
  file.use((opened) => opened.write([story('b', 0)], START));
  expect(told).toEqual([`${path}.damaged`]);
  expect(existsSync(`${path}.damaged`)).toBe(true);
  expect(file.use((opened) => opened.search({ before: NEWEST, limit: 9 })).jobs).toHaveLength(1);
  file.close();
});

test('another program’s database is left alone', () => {
  mkdirSync(join(directory, 'deep'));
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE theirs (a)');
  database.close();
  const before = readFileSync(path);
  const file = new HistoryFile(path, BOUNDS, () => {});
  expect(() => file.use((opened) => opened.story('a'))).toThrow(/another program/);
  expect(readFileSync(path)).toEqual(before);
});

const RECORD = {
  command: { jobId: 'a', argv: ['-y'], lines: [['-y']], isGiven: true, attempts: [] },
  stderr: [{ attempt: 1, text: 'words' }],
};

test('command and stderr are there with their job, and go with it', () => {
  open().write([story('a', 0), story('b', 1)], START, [RECORD]);
  expect(open().record('a')).toEqual(RECORD);
  expect(open().record('b')).toBeNull();
  open().write([story('a', 2)], START);
  expect(open().record('a')).toBeNull();
  open().write([story('a', 3)], START, [RECORD]);
  open().write([], START + 31 * DAY_MS);
  const database = new DatabaseSync(path);
  expect(database.prepare('SELECT count(*) AS left FROM records').get()).toEqual({ left: 0 });
  database.close();
});

test('a file from before commands were kept is used as it is', () => {
  open().write([story('a', 0)], START);
  const database = new DatabaseSync(path);
  database.exec('DROP TABLE records');
  database.close();
  expect(open().story('a')).toEqual(story('a', 0));
  open().write([story('a', 0)], START, [RECORD]);
  expect(open().record('a')).toEqual(RECORD);
});

test('a job that was written before the API said as much is shown', () => {
  open().write([story('a', 0)], START);
  const database = new DatabaseSync(path);
  for (const column of ['summary', 'story']) {
    database.exec(
      `UPDATE jobs SET ${column} = json_remove(${column}, '$.firstSegmentMs', '$.hardware', '$.ranOnPms')`,
    );
  }
  database.close();
  expect(open().story('a')).toEqual(story('a', 0));
  expect(found()).toEqual(['a']);
});
