import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Worker } from '../../../orchestrator/core/model.ts';
import { isServing, leavers, ordinalOf, replicasKept } from '../../../orchestrator/core/ordinals.ts';
import { workerModel } from './world.ts';

function worker(ordinal: number | null, fields: Partial<Worker> = {}): Worker {
  return workerModel({ name: ordinal === null ? 'w' : `w-${ordinal}`, ordinal, ...fields });
}

test('the number at the end of a name', () => {
  expect(['clusterplex-worker-12', 'w-0', 'w', 'w1', 'w-1a', 'w-1234567890'].map(ordinalOf)).toEqual([
    12,
    0,
    ...[null, null, null, null],
  ]);
});

test('the highest go, and none below the number that is desired', () => {
  const four = [2, 0, 3, 1].map((ordinal) => worker(ordinal));
  expect([...leavers(four, 1)]).toEqual(['w-3', 'w-2', 'w-1']);
  expect([...leavers(four, 3)]).toEqual(['w-3']);
  expect([...leavers(four, 4)]).toEqual([]);
});

test('a low one that can’t serve keeps a high one here', () => {
  const broken = [worker(0, { ready: false }), worker(1), worker(2)];
  expect([...leavers(broken, 1)]).toEqual(['w-2']);
  expect([...leavers([worker(0, { drained: true }), worker(1)], 1)]).toEqual([]);
});

test('names without a number are never told to go, and numbers may begin anywhere', () => {
  expect([...leavers([worker(null), worker(null), worker(7)], 1)]).toEqual(['w-7']);
  expect([...leavers([worker(7), worker(9)], 1)]).toEqual(['w-9']);
});

const anyWorker = fc.record({
  ordinal: fc.option(fc.nat(9)),
  ready: fc.boolean(),
  drained: fc.boolean(),
  connection: fc.option(fc.nat()),
  running: fc.nat(3),
});

test('never so many go that fewer serve than are desired, and always from the top', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyWorker, { selector: ({ ordinal }) => ordinal, maxLength: 11 }),
      fc.nat(10),
      (some, desired) => {
        const members = some.map(({ ordinal, ...fields }) => worker(ordinal, fields));
        const going = leavers(members, desired);
        const serving = members.filter(isServing);
        const staying = serving.filter(({ name }) => !going.has(name));
        expect(staying.length).toBeGreaterThanOrEqual(Math.min(desired, serving.length));
        const lowest = Math.min(
          ...members.filter(({ name }) => going.has(name)).map(({ ordinal }) => ordinal ?? 0),
        );
        expect(lowest).toBeGreaterThanOrEqual(desired);
        for (const { name, ordinal } of members) {
          if (ordinal !== null && ordinal > lowest) expect(going).toContain(name);
        }
      },
    ),
  );
});

test('replicas: nobody is removed who is to stay, or who plays and may do so', () => {
  const going = { leavingSince: 100 };
  const three = (last: Partial<Worker>) => [worker(0), worker(1, going), worker(2, last)];
  expect(replicasKept(three({}), 200, 600)).toBe(3);
  expect(replicasKept(three(going), 200, 600)).toBe(1);
  expect(replicasKept(three({ ...going, running: 1 }), 699, 600)).toBe(3);
  expect(replicasKept(three({ ...going, running: 1 }), 700, 600)).toBe(1);
  expect(replicasKept([], 0, 600)).toBe(0);
});
