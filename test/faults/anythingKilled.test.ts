import { expect, test } from 'vitest';
import { chaos } from '../support/chaos.ts';

test('every second some part dies, and every hook ends with its own transcoder’s exit code', async () => {
  const { wrong, killed, left } = await chaos({
    jobs: 50,
    workers: 3,
    width: 4,
    killEveryMs: 1_000,
    seed: 1,
  });
  expect([...wrong]).toEqual([]);
  expect(left).toEqual([]);
  expect(killed.size).toBeGreaterThan(0);
}, 120_000);
