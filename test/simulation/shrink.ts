import type { Plan } from './plan.ts';
import { type Result, Simulation } from './simulation.ts';

/** Leaves out of a failing plan what it does not need to fail. */
export function shrink(plan: Plan): { plan: Plan; result: Result } {
  let smallest = plan;
  let result = new Simulation(plan).run();
  for (let size = Math.ceil(plan.acts.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < smallest.acts.length; ) {
      const candidate = { ...smallest, acts: smallest.acts.toSpliced(start, size) };
      const tried = new Simulation(candidate).run();
      if (tried.violations.length > 0) {
        smallest = candidate;
        result = tried;
      } else {
        start += size;
      }
    }
  }
  return { plan: smallest, result };
}
