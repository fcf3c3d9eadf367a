/**
 * From the request at the relay to the start at the worker, as the relay sees it: one job at a time, and at a rate. The
 * reference takes the same hops with the same bytes and decides nothing.
 */
import { summarise } from './percentiles.ts';
import type { Result } from './result.ts';
import { measure } from './stage.ts';

const WORKERS = 10;
const RELAYS = 10;
const RATES = [10, 100, 1_000];

export async function dispatch({ jobs }: { readonly jobs: number }): Promise<Result> {
  const oneByOne = (bare: boolean) =>
    measure({ bare, relays: 1, workers: WORKERS, arrivals: { kind: 'closed', inFlight: 1, jobs } });
  // In turns: what disturbs the machine for a while disturbs both.
  const [bareFirst, ours, bareThen] = [await oneByOne(true), await oneByOne(false), await oneByOne(true)];
  const reference = summarise([...bareFirst.started, ...bareThen.started]);
  const summary = summarise(ours.started);
  const rows = [
    { name: 'bare relay, one at a time', summary: reference },
    { name: 'orchestrator, one at a time', summary },
  ];
  const p99: { bare: [number, number][]; ours: [number, number][] } = { bare: [], ours: [] };
  for (const perSecond of RATES) {
    for (const bare of [true, false]) {
      const seconds = Math.max(2, Math.min(10, 300 / perSecond));
      const arrivals = { kind: 'open', perSecond, seconds } as const;
      const { started } = await measure({ bare, relays: RELAYS, workers: WORKERS, arrivals, warmUp: 20 });
      const at = summarise(started);
      rows.push({ name: `${bare ? 'bare relay' : 'orchestrator'}, ${perSecond} jobs/s`, summary: at });
      p99[bare ? 'bare' : 'ours'].push([perSecond, at.p99]);
    }
  }
  return {
    ...{ name: 'dispatch', unit: 'ms', rows },
    ratios: [
      { name: 'p50 to the bare relay', value: summary.p50 / reference.p50, target: { atMost: 2 } },
      { name: 'p99 to the bare relay', value: summary.p99 / reference.p99, target: { atMost: 3 } },
    ],
    plots: [
      {
        ...{ title: 'Dispatch under load', x: 'jobs/s', y: 'p99, ms' },
        series: [
          { name: 'orchestrator', points: p99.ours },
          { name: 'bare relay', points: p99.bare },
        ],
      },
    ],
  };
}
