import { globSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WallClock } from '#shared/clock.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

test('a moment keeps its time, though the two clocks tick at other instants', () => {
  const clock = new FakeClock();
  const moment = clock.now();
  const wall = new WallClock(clock);
  expect(wall.at(moment).getTime()).toBe(1_000_000);
  vi.setSystemTime(1_000_001);
  expect(wall.at(moment).getTime()).toBe(1_000_000);
});

test('when the wall clock is set, times follow it', () => {
  const clock = new FakeClock();
  const wall = new WallClock(clock);
  vi.setSystemTime(5_000_000);
  expect(wall.at(clock.now()).getTime()).toBe(5_000_000);
});

test('nothing else looks at the wall clock but what dates of others are compared with: files, licences, histories', () => {
  // A browser has its own.
  const readers = globSync('{orchestrator,worker,pms,shared}/**/*.{ts,cjs}').filter(
    (file) =>
      !file.startsWith('orchestrator/dashboard/page/') &&
      /\bDate\.now\(|\bnew Date\(\)/.test(readFileSync(file, 'utf8')),
  );
  const dates = ['worker/codecs/codecSet.ts', 'worker/eae/eae.ts', 'worker/eae/installation.ts'];
  expect(readers.toSorted()).toEqual(['orchestrator/history/thread.ts', 'shared/clock.ts', ...dates]);
});
