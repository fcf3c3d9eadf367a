import { expect, test } from 'vitest';
import { Scale } from '../../../orchestrator/core/scale.ts';

test('as many as asked for, as the jobs need, and as the largest burst, within the bounds', () => {
  const scale = new Scale({ minimum: 1, maximum: 10, desired: 2 });
  expect(scale.desired(0, 0)).toBe(2);
  expect(scale.desired(0, 5)).toBe(5);
  scale.burst({ workers: 7, until: 100 });
  scale.burst({ workers: 4, until: 200 });
  expect(scale.desired(0, 5)).toBe(7);
  expect(scale.desired(0, 50)).toBe(10);
});

test('a burst ends by itself', () => {
  const scale = new Scale({ minimum: 1, maximum: 10, desired: 2 });
  scale.burst({ workers: 7, until: 100 });
  expect(scale.desired(99, 0)).toBe(7);
  expect(scale.desired(100, 0)).toBe(2);
  expect(scale.activeBursts(100)).toEqual([]);
});

test('the bound that was given last moves the other', () => {
  const scale = new Scale({ minimum: 2, maximum: 4, desired: 3 });
  scale.change({ maximum: 1 });
  expect(scale.spec).toEqual({ minimum: 1, maximum: 1, desired: 1 });
  scale.change({ minimum: 5 });
  expect(scale.spec).toEqual({ minimum: 5, maximum: 5, desired: 5 });
  scale.change({ minimum: 0, maximum: 9, desired: 20 });
  expect(scale.spec).toEqual({ minimum: 0, maximum: 9, desired: 9 });
});
