import { describe, expect, test } from 'vitest';
import type { Worker } from '../../../orchestrator/core/model.ts';
import { compareKeys, rank, strategyKeys } from '../../../orchestrator/core/strategies.ts';
import { workerModel } from './world.ts';

function best(strategy: keyof typeof strategyKeys, workers: Record<string, Partial<Worker>>): string {
  const keyOf = strategyKeys[strategy];
  const models = Object.entries(workers).map(([name, fields]) => workerModel({ name, slots: 10, ...fields }));
  const [first] = models.sort((a, b) => compareKeys(keyOf(a), keyOf(b)));
  return first?.name ?? '';
}

describe('LOAD_TASKS', () => {
  test('takes the worker with the fewest running tasks, whatever its CPU says', () => {
    expect(best('LOAD_TASKS', { a: { running: 2 }, b: { running: 1, load: { cpu: 99, ops: 0 } } })).toBe('b');
  });

  test('of equals takes the one that was given a job longest ago', () => {
    expect(best('LOAD_TASKS', { a: { lastAssigned: 7 }, b: { lastAssigned: 3 } })).toBe('b');
  });

  test('of equals that are scaled takes the one with the lowest number', () => {
    const scaled = { scaled: true, ordinal: 0, lastAssigned: 7 };
    expect(best('LOAD_TASKS', { a: scaled, b: { ...scaled, ordinal: 1, lastAssigned: 3 } })).toBe('a');
    expect(best('LOAD_TASKS', { a: { ...scaled, running: 1 }, b: { ...scaled, ordinal: 1 } })).toBe('b');
  });
});

describe('LOAD_CPU', () => {
  test('takes the worker with the least CPU load, whatever it runs', () => {
    const workers = { a: { load: { cpu: 60, ops: 0 } }, b: { load: { cpu: 20, ops: 0 }, running: 5 } };
    expect(best('LOAD_CPU', workers)).toBe('b');
  });

  test("adds a slot's share for each job that the load does not show yet", () => {
    const workers = { a: { load: { cpu: 20, ops: 0 }, unsampled: 3 }, b: { load: { cpu: 49, ops: 0 } } };
    expect(best('LOAD_CPU', workers)).toBe('b');
    expect(best('LOAD_CPU', { ...workers, a: { load: { cpu: 20, ops: 0 }, unsampled: 2 } })).toBe('a');
  });

  test('of equals takes the one with the fewest tasks, then the one that waited longest', () => {
    expect(best('LOAD_CPU', { a: { running: 2 }, b: { running: 1, lastAssigned: 9 } })).toBe('b');
    expect(best('LOAD_CPU', { a: { lastAssigned: 2 }, b: { lastAssigned: 1 } })).toBe('b');
  });

  test('never reckons a worker above full load, so that full ones are told apart by tasks', () => {
    const workers = {
      a: { load: { cpu: 90, ops: 0 }, unsampled: 2, running: 4 },
      b: { load: { cpu: 100, ops: 0 }, running: 1 },
    };
    expect(best('LOAD_CPU', workers)).toBe('b');
  });
});

describe('LOAD_RANK', () => {
  test("is what is left of the benchmark's speed", () => {
    expect(rank(workerModel({ load: { cpu: 25, ops: 400 } }))).toBe(300);
    expect(rank(workerModel({ load: { cpu: 25, ops: 400 }, slots: 4, unsampled: 1 }))).toBe(200);
  });

  test('takes the highest rank: a fast busy worker before a slow idle one', () => {
    expect(best('LOAD_RANK', { a: { load: { cpu: 0, ops: 100 } }, b: { load: { cpu: 50, ops: 900 } } })).toBe(
      'b',
    );
  });
});

describe('RR', () => {
  test('takes the one that was given a job longest ago, whatever it runs', () => {
    const workers = { a: { lastAssigned: 5 }, b: { lastAssigned: 4, running: 9, load: { cpu: 99, ops: 0 } } };
    expect(best('RR', workers)).toBe('b');
  });
});

test('keys are compared number by number, the first difference deciding', () => {
  expect(compareKeys([1, 9], [2, 0])).toBeLessThan(0);
  expect(compareKeys([1, 9], [1, 0])).toBeGreaterThan(0);
  expect(compareKeys([1, 2], [1, 2])).toBe(0);
});
