/**
 * `npm run simulate -- --seeds N [--from S] [--failures M] [--elections | --scaled]`: worlds one after the other, if
 * asked for with orchestrators that are deposed, or with workers that are scaled; prints the smallest plans that fail.
 */
import { parseArgs } from 'node:util';
import { electionPlanOf, planOf, scaledPlanOf } from './plan.ts';
import { shrink } from './shrink.ts';
import { Simulation } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    failures: { type: 'string', default: '3' },
    elections: { type: 'boolean', default: false },
    scaled: { type: 'boolean', default: false },
  },
});
const first = Number(values.from);
const scaledOrPlain = values.scaled ? scaledPlanOf : planOf;
const worldOf = values.elections ? electionPlanOf : scaledOrPlain;
const started = performance.now();
const faults = new Map<string, number>();
let steps = 0;
let failed = 0;
let seeds = 0;
for (let seed = first; seed < first + Number(values.seeds) && failed < Number(values.failures); seed += 1) {
  seeds += 1;
  const plan = worldOf(seed);
  for (const act of plan.acts) faults.set(act.do, (faults.get(act.do) ?? 0) + 1);
  const result = new Simulation(plan).run();
  steps += result.steps;
  if (result.violations.length === 0) continue;
  failed += 1;
  const { plan: smallest, result: why } = shrink(plan);
  process.stdout.write(
    `seed ${seed}: ${result.violations[0]}\n\nsmallest plan: ${JSON.stringify(smallest)}\n${why.trace.join('\n')}\n\n`,
  );
}
const seconds = (performance.now() - started) / 1_000;
const injected = [...faults].filter(([what]) => what !== 'job').sort();
const width = Math.max(...injected.map(([what]) => what.length));
for (const [what, count] of injected)
  process.stdout.write(`${what.padEnd(width)} ${String(count).padStart(8)}\n`);
process.stdout.write(`${faults.get('job') ?? 0} jobs in ${seeds} worlds\n`);
process.stdout.write(
  `${steps} steps in ${seconds.toFixed(1)} s (${Math.round(steps / seconds)} a second), ${failed} failures\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
