/** Jobs per second through accept, place, start and finish, and how late they start at half of that. */
import { summarise } from './percentiles.ts';
import type { Result, Row } from './result.ts';
import { type Measured, measure } from './stage.ts';

const SIZES = [
  { relays: 1, workers: 10 },
  { relays: 10, workers: 10 },
  { relays: 100, workers: 10 },
  { relays: 100, workers: 100 },
  { relays: 100, workers: 1_000 },
];
const MAIN = '100 relays, 10 workers';
const SECONDS = 10;

export async function throughput({ jobs }: { readonly jobs: number }): Promise<Result> {
  const rows: Row[] = [];
  const rates = new Map<string, { bare: Measured; ours: Measured }>();
  for (const size of SIZES) {
    const arrivals = { kind: 'closed', inFlight: size.relays === 1 ? 10 : 1, jobs: jobs * 10 } as const;
    const run = (bare: boolean) => measure({ ...size, bare, arrivals, warmUp: 1_000 });
    const name = `${size.relays} relays, ${size.workers} workers`;
    const pair = { bare: await run(true), ours: await run(false) };
    rates.set(name, pair);
    rows.push({ name: `bare relay, ${name}`, summary: summarise(pair.bare.started) });
    rows.push({ name: `orchestrator, ${name}`, summary: summarise(pair.ours.started) });
  }
  const main = rates.get(MAIN);
  if (!main) throw new Error(`no ${MAIN}`);
  const { bare, ours } = main;
  const open = async (perSecond: number, isBare: boolean) => {
    const arrivals = { kind: 'open', perSecond, seconds: SECONDS } as const;
    const warmUp = Math.max(100, Math.ceil(perSecond));
    const { started } = await measure({ bare: isBare, relays: 100, workers: 10, warmUp, arrivals });
    const name = `${isBare ? 'bare relay' : 'orchestrator'}, ${perSecond.toFixed(0)} jobs/s`;
    rows.push({ name, summary: summarise(started) });
    return summarise(started);
  };
  const idle = await open(20, false);
  const half = await open(ours.jobsPerSecond / 2, false);
  // What the machine itself makes of such a rate, with three processes on its cores.
  const bareIdle = await open(20, true);
  const bareThen = await open(ours.jobsPerSecond / 2, true);
  const shares = Object.values(ours.byWorker);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return {
    ...{ name: 'throughput', unit: 'ms from request to start', rows },
    ratios: [
      {
        name: 'jobs/s to the bare relay',
        value: ours.jobsPerSecond / bare.jobsPerSecond,
        target: { atLeast: 0.5 },
      },
      { name: 'CPU a job to the bare relay', value: ours.cpuPerJob / bare.cpuPerJob, target: null },
      { name: 'p99 at half of its most to p99 when idle', value: half.p99 / idle.p99, target: { atMost: 5 } },
      {
        name: 'the same of the bare relay, at the same rates',
        value: bareThen.p99 / bareIdle.p99,
        target: null,
      },
      { name: 'most jobs of a worker to the mean', value: Math.max(...shares) / mean, target: null },
    ],
    notes: [...rates].map(([name, pair]) => {
      const words = ({ jobsPerSecond, cpuPerJob }: Measured): string =>
        `${jobsPerSecond.toFixed(0)} jobs/s, ${cpuPerJob.toFixed(0)} µs of CPU a job`;
      return `${name}: bare relay ${words(pair.bare)}; orchestrator ${words(pair.ours)}`;
    }),
    plots: [
      {
        ...{ title: 'Throughput', x: 'relays × workers', y: 'jobs/s' },
        series: (['ours', 'bare'] as const).map((which) => ({
          name: which === 'ours' ? 'orchestrator' : 'bare relay',
          points: SIZES.map(({ relays, workers }) => {
            const rate = rates.get(`${relays} relays, ${workers} workers`)?.[which].jobsPerSecond ?? 0;
            return [relays * workers, rate] as const;
          }),
        })),
      },
    ],
  };
}
