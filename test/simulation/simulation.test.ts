import { expect, test } from 'vitest';
import { electionPlanOf, firstPlanOf, type Plan, planOf, scaledPlanOf } from './plan.ts';
import { shrink } from './shrink.ts';
import { Simulation } from './simulation.ts';

/** Worlds that once went wrong, of the first plans and of all. */
const FIRST_REGRESSIONS = [9, 26, 50, 98, 128, 2_001, 2_297, 4_610, 7_995, 14_339, 30_694];
const REGRESSIONS = [50, 1_668, 1_733, 3_902, 10_522, 65_326];
const BLOCK = 300;

test.each([...FIRST_REGRESSIONS.map(firstPlanOf), ...REGRESSIONS.map(planOf)])(
  'seed $seed, which once failed',
  (plan) => {
    expectToHold(plan);
  },
);

test.each(Array.from({ length: 5 }, (_, index) => 10_000 + index * BLOCK))(
  'the seeds from %d on',
  (first) => {
    for (let seed = first; seed < first + BLOCK; seed += 1) expectToHold(planOf(seed));
  },
);

test('leadership that changes hands, from orchestrators that don’t know of it yet', () => {
  for (let seed = 1; seed <= 200; seed += 1) expectToHold(electionPlanOf(seed));
});

test('workers that are scaled up and down, and bursts', () => {
  for (let seed = 1; seed <= 60; seed += 1) expectToHold(scaledPlanOf(seed));
});

test('the same seed is the same world', () => {
  const [first, second] = [new Simulation(planOf(7)).run(), new Simulation(planOf(7)).run()];
  expect(second).toEqual(first);
  expect(first.steps).toBeGreaterThan(100);
  expect(new Simulation(planOf(8)).run().trace).not.toEqual(first.trace);
});

function expectToHold(plan: Plan): void {
  const { violations } = new Simulation(plan).run();
  if (violations.length === 0) return;
  const { plan: smallest, result } = shrink(plan);
  expect.fail(
    `seed ${plan.seed}: ${result.violations[0]}\n${JSON.stringify(smallest)}\n${result.trace.join('\n')}`,
  );
}
