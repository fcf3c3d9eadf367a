import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '#shared/backoff.ts';

const limits = { firstMs: 100, lastMs: 2_000 };

test('the window doubles from the first to the last limit', () => {
  const windows = [0, 1, 2, 3, 4, 5, 6, 1_000_000].map((attempt) => backoffMs(attempt, 1, limits));
  expect(windows).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
});

test('the whole window is used, from zero', () => {
  expect(backoffMs(3, 0, limits)).toBe(0);
  expect(backoffMs(3, 0.25, limits)).toBe(200);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const wait = backoffMs(attempt, random, limits);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThan(limits.lastMs);
      },
    ),
  );
});
