import { isReached, type Ratio, type Result } from './result.ts';

/** A benchmark's result for a terminal. */
export function printed({ name, unit, rows, ratios, notes = [] }: Result): string {
  const lines = [
    `${name}, in ${unit}`,
    '',
    line('', ['count', 'p50', 'p95', 'p99', 'max']),
    ...rows.map((row) => {
      const { count, p50, p95, p99, max } = row.summary;
      return line(row.name, [String(count), ...[p50, p95, p99, max].map(number)]);
    }),
    '',
    ...ratios.map((ratio) => `  ${ratioText(ratio)}`),
    ...notes.map((note) => `  ${note}`),
  ];
  return `${lines.join('\n')}\n`;
}

export function number(value: number): string {
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : value.toPrecision(3);
}

function line(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(58)}${cells.map((cell) => cell.padStart(9)).join('')}`;
}

/** A ratio and what came of its target, in words. */
export function ratioText(ratio: Ratio): string {
  const { name, value, target } = ratio;
  if (target === null) return `${name}: ${number(value)}`;
  const wanted =
    'atMost' in target ? `at most ${number(target.atMost)}` : `at least ${number(target.atLeast)}`;
  return `${name}: ${number(value)} (${wanted}: ${isReached(ratio) ? 'reached' : 'MISSED'})`;
}
