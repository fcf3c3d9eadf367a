/** `npm run bench [-- NAME] [-- --jobs N]`: measures, prints a table and a ratio, and writes bench/results/NAME.json. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { codecs } from './codecs.ts';
import { dispatch } from './dispatch.ts';
import type { Summary } from './percentiles.ts';

const BENCHMARKS = { dispatch, codecs };

process.removeAllListeners('warning');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '1000' } },
});
const wanted = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
const results = new URL('results/', import.meta.url);
mkdirSync(results, { recursive: true });

for (const name of wanted) {
  if (!isBenchmark(name))
    throw new Error(`no benchmark is called ${name}; there are: ${Object.keys(BENCHMARKS).join(', ')}`);
  const { rows, ratio } = await BENCHMARKS[name](Number(values.jobs));
  process.stdout.write(
    `${name}, in milliseconds\n\n${table(rows)}\n\nratio to the reference at p50: ${ratio.toFixed(2)}\n`,
  );
  writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify({ name, rows, ratio }, null, 2)}\n`);
}

function table(rows: readonly [string, Summary][]): string {
  const line = (cells: readonly string[]): string =>
    `${(cells[0] ?? '').padEnd(48)}${cells
      .slice(1)
      .map((cell) => cell.padStart(9))
      .join('')}`;
  const number = (value: number): string => value.toFixed(2);
  return [
    line(['', 'count', 'p50', 'p95', 'p99', 'max']),
    ...rows.map(([name, { count, p50, p95, p99, max }]) =>
      line([name, String(count), number(p50), number(p95), number(p99), number(max)]),
    ),
  ].join('\n');
}

function isBenchmark(name: string): name is keyof typeof BENCHMARKS {
  return name in BENCHMARKS;
}
