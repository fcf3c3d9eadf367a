/** The ratios that a change may not make worse unseen, in under a minute. */
import { hook } from './hook.ts';
import { summarise } from './percentiles.ts';
import type { Ratio, Result, Row } from './result.ts';
import { simulate } from './simulate.ts';
import { type Measured, measure } from './stage.ts';

export async function smoke(): Promise<Result> {
  const rows: Row[] = [];
  const ratios: Ratio[] = [];
  const pair = async (
    name: string,
    relays: number,
    jobs: number,
  ): Promise<{ bare: Measured; ours: Measured }> => {
    const arrivals = { kind: 'closed', inFlight: 1, jobs } as const;
    const run = (bare: boolean) => measure({ bare, relays, workers: 10, arrivals, warmUp: 500 });
    const both = { bare: await run(true), ours: await run(false) };
    rows.push({ name: `bare relay, ${name}`, summary: summarise(both.bare.started) });
    rows.push({ name: `orchestrator, ${name}`, summary: summarise(both.ours.started) });
    return both;
  };
  const single = await pair('one at a time', 1, 2_000);
  const many = await pair('100 relays', 100, 10_000);
  const p50 = ({ started }: Measured): number => summarise(started).p50;
  ratios.push({
    name: 'request to start at the worker, p50 to the bare relay',
    value: p50(single.ours) / p50(single.bare),
    target: { atMost: 2 },
  });
  ratios.push({
    name: 'throughput to the bare relay',
    value: many.ours.jobsPerSecond / many.bare.jobsPerSecond,
    target: { atLeast: 0.5 },
  });
  ratios.push(...(await simulate({ jobs: 200 })).ratios.slice(0, 1));
  ratios.push(...(await hook({ jobs: 50 })).ratios);
  return { name: 'smoke', unit: 'ms from request to start', rows, ratios };
}
