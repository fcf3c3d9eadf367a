import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { number, ratioText } from './print.ts';
import { isReached, type Plot, type Result } from './result.ts';

/** The results as one page that needs no network: tables, ratios, and uPlot's plots. */
export function report(results: readonly Result[]): string {
  const uplot = (file: string): string =>
    readFileSync(fileURLToPath(import.meta.resolve(`uplot/dist/${file}`)), 'utf8');
  const plots = results.flatMap(({ plots: own = [], rows, unit, name }) => [
    ...own,
    distribution(name, unit, rows),
  ]);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>ClusterPlex benchmarks</title>
<style>${uplot('uPlot.min.css')}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
td, th { padding: .2rem .8rem .2rem 0; text-align: right; } td:first-child, th:first-child { text-align: left; }
.missed { color: #b00020; } .reached { color: #0a7d34; } .plots { display: flex; flex-wrap: wrap; gap: 1rem; }
</style>
<h1>Benchmarks</h1>
${results.map(section).join('\n')}
<div class="plots"></div>
<script>${uplot('uPlot.iife.min.js')}</script>
<script>
const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#57606a'];
for (const { title, x, y, series } of ${script(plots)}) {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const data = [xs, ...series.map(({ points }) => xs.map((at) => new Map(points).get(at) ?? null))];
  const lines = series.map(({ name }, index) => ({ label: name, stroke: colours[index % colours.length], spanGaps: true, points: { show: true } }));
  new uPlot({ title, width: 560, height: 320, scales: { x: { time: false, distr: xs[0] > 0 ? 3 : 1 } },
    axes: [{ label: x }, { label: y }], series: [{ label: x }, ...lines] }, data, document.querySelector('.plots'));
}
</script></html>
`;
}

function section({ name, unit, rows, ratios, notes = [] }: Result): string {
  const cells = (values: readonly string[], kind = 'td'): string =>
    `<tr>${values.map((value) => `<${kind}>${escaped(value)}</${kind}>`).join('')}</tr>`;
  const table = rows.map(({ name: row, summary }) => {
    const { count, p50, p95, p99, max } = summary;
    return cells([row, String(count), ...[p50, p95, p99, max].map(number)]);
  });
  const items = ratios.map((ratio) => {
    const reached = isReached(ratio);
    const mark = reached === null ? '' : ` class="${reached ? 'reached' : 'missed'}"`;
    return `<li${mark}>${escaped(ratioText(ratio))}</li>`;
  });
  return `<h2>${escaped(name)}</h2><table>${cells(
    ['', 'count', 'p50', 'p95', 'p99', 'max'].map((head) => (head === '' ? unit : head)),
    'th',
  )}${table.join('')}</table>
<ul>${items.join('')}${notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>`;
}

/** How the latencies of each row are spread. */
function distribution(name: string, unit: string, rows: Result['rows']): Plot {
  return {
    ...{ title: `${name}: distribution`, x: 'percentile', y: unit },
    series: rows.map(({ name: row, summary: { p50, p95, p99, max } }) => {
      return {
        name: row,
        points: [
          [50, p50],
          [95, p95],
          [99, p99],
          [100, max],
        ],
      };
    }),
  };
}

function script(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
