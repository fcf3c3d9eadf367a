import { expect, test } from 'vitest';
import { chaos } from '../support/chaos.ts';

test('every half second some part dies, and every hook ends with its own transcoder’s exit code', async () => {
  const { wrong, killed, left } = await chaos({ jobs: 150, workers: 4, width: 8, killEveryMs: 500, seed: 1 });
  expect([...wrong]).toEqual([]);
  expect(left).toEqual([]);
  expect(killed.size).toBeGreaterThan(0);
}, 120_000);
