import { number } from './print.ts';
import type { Result } from './result.ts';

/** More than that is no noise. */
const NOTABLE = 0.1;

/** What became of each ratio from one run to another, and of each median. */
export function compared(before: Result, after: Result): string {
  if (before.name !== after.name) throw new Error(`${before.name} is not ${after.name}`);
  const pairs = [
    ...after.ratios.map(({ name, value }) => {
      return { name, now: value, earlier: before.ratios.find((ratio) => ratio.name === name)?.value };
    }),
    ...after.rows.map(({ name, summary }) => ({
      name: `${name}, p50 ${after.unit}`,
      now: summary.p50,
      earlier: before.rows.find((row) => row.name === name)?.summary.p50,
    })),
  ];
  const lines = pairs.flatMap(({ name, now, earlier }) => {
    if (earlier === undefined) return [];
    const change = now / earlier - 1;
    const mark = Math.abs(change) > NOTABLE ? ' !' : '';
    const percent = `${change >= 0 ? '+' : ''}${(change * 100).toFixed(0)} %`;
    return [
      `  ${name.padEnd(60)}${number(earlier).padStart(9)}${number(now).padStart(9)}${percent.padStart(8)}${mark}`,
    ];
  });
  return `${after.name}\n${lines.join('\n')}\n`;
}
