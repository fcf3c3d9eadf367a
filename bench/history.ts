/** The ratios of earlier smoke runs, a line each: a ratio that gets worse from commit to commit is seen. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { number } from './print.ts';
import type { Ratio, Result } from './result.ts';

const FILE = new URL('history.jsonl', import.meta.url);
/** As many runs say what is usual: one alone has the luck of its minute. */
const RUNS = 5;
/** More than that is no noise. */
const NOTABLE = 0.1;

/** Adds a run, and says what became of its ratios since the ones before. */
export function remember({ ratios }: Result): string {
  const runs = readFileSync(FILE, 'utf8').split('\n').filter(Boolean);
  const earlier = runs.slice(-RUNS).map((line): Record<string, unknown> => JSON.parse(line));
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const values = Object.fromEntries(ratios.map(({ name, value }) => [name, Number(value.toPrecision(3))]));
  appendFileSync(FILE, `${JSON.stringify({ at: new Date().toISOString(), commit, ...values })}\n`);
  return changes(ratios, earlier);
}

/** Each ratio against the median of the runs before, and which got worse by more than noise. */
export function changes(
  ratios: readonly Ratio[],
  earlier: readonly Readonly<Record<string, unknown>>[],
): string {
  const lines = ratios.flatMap(({ name, value, target }) => {
    const known = earlier.map((run) => run[name]).filter((each) => typeof each === 'number');
    const usual = known.sort((one, other) => one - other)[Math.floor(known.length / 2)];
    if (usual === undefined) return [];
    const change = value / usual - 1;
    const isHigherBetter = target !== null && 'atLeast' in target;
    const mark = (isHigherBetter ? -change : change) > NOTABLE ? '  WORSE' : '';
    const percent = `${change >= 0 ? '+' : ''}${(change * 100).toFixed(0)} %`;
    return [`  ${name}: ${number(value)}, usually ${number(usual)} (${percent})${mark}\n`];
  });
  return lines.join('');
}
