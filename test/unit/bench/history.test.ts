import { expect, test } from 'vitest';
import { changes } from '../../../bench/history.ts';

const RATIOS = [
  { name: 'latency', value: 2.3, target: { atMost: 3 } },
  { name: 'throughput', value: 0.5, target: { atLeast: 0.4 } },
  { name: 'new', value: 1, target: null },
];

test('a ratio is held against the median of those before, and only what got worse is marked', () => {
  const earlier = [2, 2.2, 9].map((latency) => ({ commit: 'c', latency, throughput: 0.6 }));
  expect(changes(RATIOS, earlier).split('\n')).toEqual([
    '  latency: 2.30, usually 2.20 (+5 %)',
    '  throughput: 0.500, usually 0.600 (-17 %)  WORSE',
    '',
  ]);
  const [latency, throughput] = changes(RATIOS, [{ latency: 2, throughput: 0.3 }]).split('\n');
  expect(latency).toMatch(/\+15 %\) {2}WORSE$/);
  expect(throughput).toMatch(/\+67 %\)$/);
});
