/**
 * `npm run bench [-- NAME …] [-- --jobs N]`: measures, prints tables and ratios to references of the same run, and writes
 * `bench/results/NAME.json` and `bench/results/report.html`. `npm run bench -- compare A.json B.json`. `npm run bench --
 * smoke`: the ratios, in a minute.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { capacity } from './capacity.ts';
import { codecs } from './codecs.ts';
import { compared } from './compare.ts';
import { dashboards } from './dashboards.ts';
import { dispatch } from './dispatch.ts';
import { failover } from './failover.ts';
import { fleet } from './fleet.ts';
import { remember } from './history.ts';
import { hook } from './hook.ts';
import { overhead } from './overhead.ts';
import { printed } from './print.ts';
import { report } from './report.ts';
import type { Result } from './result.ts';
import { scaling } from './scaling.ts';
import { simulate } from './simulate.ts';
import { smoke } from './smoke.ts';
import { storage } from './storage.ts';
import { throughput } from './throughput.ts';

const BENCHMARKS: Readonly<Record<string, (options: { jobs: number }) => Promise<Result>>> = {
  ...{
    dispatch,
    throughput,
    fleet,
    hook,
    overhead,
    failover,
    storage,
    capacity,
    simulate,
    scaling,
    codecs,
    dashboards,
  },
};

process.removeAllListeners('warning');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '1000' }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(`npm run bench -- [NAME …] [--jobs N]

NAME      ${Object.keys(BENCHMARKS).join(', ')}; without one: all
--jobs N  how many jobs, where a benchmark asks; 1000 when it is not said

Results are in bench/results, and report.html there shows all of them. compare A.json B.json compares two.
`);
  process.exit();
}
const results = new URL('results/', import.meta.url);
mkdirSync(results, { recursive: true });
const [first = '', ...others] = positionals;

if (first === 'compare') {
  const [before, after] = others.map(resultIn);
  if (!before || !after) throw new Error('compare takes two files: npm run bench -- compare A.json B.json');
  process.stdout.write(compared(before, after));
} else if (first === 'smoke') {
  const result = await smoke();
  process.stdout.write(`${printed(result)}\n${remember(result)}`);
} else {
  for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHMARKS)) {
    const benchmark = BENCHMARKS[name];
    if (!benchmark) {
      throw new Error(`no benchmark is called ${name}; there are: ${Object.keys(BENCHMARKS).join(', ')}`);
    }
    const result = await benchmark({ jobs: Number(values.jobs) });
    process.stdout.write(`${printed(result)}\n`);
    writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify(result, null, 2)}\n`);
  }
  const all = readdirSync(results).filter((file) => file.endsWith('.json'));
  writeFileSync(new URL('report.html', results), report(all.map((file) => resultIn(new URL(file, results)))));
}
// Whatever a benchmark has left open is not worth waiting for.
process.exit();

function resultIn(file: string | URL): Result {
  return JSON.parse(readFileSync(file, 'utf8'));
}
