import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from '../../../orchestrator/core/deadlines.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('set'), key: fc.nat(12), at: fc.nat(100) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('cancel'), key: fc.nat(12), at: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('look'), key: fc.constant(0), at: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('take'), key: fc.constant(0), at: fc.nat(100) }) },
);

test('what falls due, and when the next does, agrees with a plain list, after any changes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const deadlines = new Deadlines<string>();
      const list = new Map<string, number>();
      for (const { type, key: number, at } of steps) {
        const key = `k${number}`;
        if (type === 'set') {
          deadlines.set(key, at, key);
          list.set(key, at);
        } else if (type === 'cancel') {
          deadlines.cancel(key);
          list.delete(key);
        } else if (type === 'look') {
          expect(deadlines.next).toBe(list.size === 0 ? null : Math.min(...list.values()));
        } else {
          const soonest = Math.min(...list.values());
          const taken = deadlines.take(at);
          if (soonest > at) expect(taken).toBeNull();
          else {
            expect(taken === null ? null : list.get(taken)).toBe(soonest);
            list.delete(taken ?? '');
          }
        }
      }
    }),
  );
});

test('moving one deadline two million times keeps the memory of one', () => {
  const deadlines = new Deadlines<number>();
  // Never due and never looked at, so that stale entries can't surface and leave by themselves.
  deadlines.set('first', 0, -1);
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 2_000_000; index += 1) deadlines.set('moved', index + 1, index);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000);
  expect(deadlines.take(0)).toBe(-1);
  expect(deadlines.next).toBe(2_000_000);
  expect(deadlines.take(2_000_000)).toBe(1_999_999);
  expect(deadlines.next).toBeNull();
});
