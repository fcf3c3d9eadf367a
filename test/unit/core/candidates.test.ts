import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Candidates } from '../../../orchestrator/core/candidates.ts';
import type { Worker } from '../../../orchestrator/core/model.ts';
import { compareKeys, strategyKeys } from '../../../orchestrator/core/strategies.ts';
import { workerModel } from './world.ts';

const keyOf = strategyKeys.LOAD_TASKS;

const change = fc.record({
  name: fc.integer({ min: 0, max: 30 }).map((index) => `w${index}`),
  running: fc.nat(4),
  lastAssigned: fc.nat(200),
  standing: fc.constantFrom(
    ...['fine', 'fine', 'fine', 'disconnected', 'not-ready', 'draining', 'drained', 'leaving'],
  ),
  removed: fc.boolean(),
});

function naive(workers: Iterable<Worker>, passes: (worker: Worker) => boolean): Worker[] {
  return [...workers]
    .filter((worker) => worker.connection !== null && worker.ready && !worker.draining && !worker.drained)
    .filter(({ leavingSince }) => leavingSince === null)
    .filter((worker) => worker.running < worker.slots && passes(worker))
    .sort((a, b) => compareKeys(keyOf(a), keyOf(b)));
}

test('the choice is the one that sorting all workers would make, after any changes', () => {
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 20, maxLength: 150, size: 'max' }),
      fc.subarray(['w0', 'w1', 'w2', 'w3']),
      (changes, refused) => {
        const candidates = new Candidates(keyOf);
        const workers = new Map<string, Worker>();
        for (const { name, running, lastAssigned, standing, removed } of changes) {
          if (removed) {
            workers.delete(name);
            candidates.remove(name);
          } else {
            const worker = workers.get(name) ?? workerModel({ name, slots: 4 });
            worker.running = running;
            worker.lastAssigned = lastAssigned;
            worker.connection = standing === 'disconnected' ? null : 1;
            worker.ready = standing !== 'not-ready';
            worker.draining = standing === 'draining';
            worker.drained = standing === 'drained';
            worker.leavingSince = standing === 'leaving' ? 0 : null;
            workers.set(name, worker);
            candidates.update(worker);
          }
          for (const passes of [() => true, (worker: Worker) => !refused.includes(worker.name)]) {
            const expected = naive(workers.values(), passes);
            const chosen = candidates.choose(passes);
            // Equal keys may come in any order.
            expect(chosen && keyOf(chosen)).toEqual(expected[0] ? keyOf(expected[0]) : null);
            expect(chosen === null || expected.includes(chosen)).toBe(true);
          }
          expect(candidates.size).toBe(naive(workers.values(), () => true).length);
        }
      },
    ),
  );
});

test('when nobody passes, nobody is chosen', () => {
  const candidates = new Candidates(keyOf);
  expect(candidates.choose(() => true)).toBeNull();
  candidates.update(workerModel({ name: 'a' }));
  expect(candidates.choose(() => false)).toBeNull();
});

test('removing a worker that is no candidate changes nothing', () => {
  const candidates = new Candidates(keyOf);
  candidates.update(workerModel({ name: 'a' }));
  candidates.remove('b');
  expect(candidates.size).toBe(1);
});
