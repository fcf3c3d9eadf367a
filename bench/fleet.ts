/** What idle workers cost the orchestrator, and what they cost a job: all report every 2 s. */
import { setTimeout as after } from 'node:timers/promises';
import { startTimes } from './load/plan.ts';
import { Load, Subject } from './load/processes.ts';
import { summarise } from './percentiles.ts';
import type { Result, Row } from './result.ts';

const SIZES = [100, 1_000, 5_000, 10_000];
const REPORT_MS = 2_000;
const SETTLE_MS = 4_000;
const IDLE_MS = 10_000;
const DISPATCH = { kind: 'open', perSecond: 20, seconds: 10 } as const;

interface Fleet {
  readonly workers: number;
  /** Share of one core. */
  readonly cpu: number;
  readonly bytesPerWorker: number;
  readonly started: readonly number[];
}

export async function fleet(): Promise<Result> {
  const fleets: Fleet[] = [];
  for (const workers of SIZES) fleets.push(await one(workers));
  const [small, ...others] = fleets;
  const large = others.at(-1);
  if (!small || !large) throw new Error('one fleet says nothing');
  const rows: Row[] = fleets.map(({ workers, started }) => {
    return { name: `dispatch with ${workers} workers`, summary: summarise(started) };
  });
  const p99 = (of: Fleet): number => summarise(of.started).p99;
  return {
    ...{ name: 'fleet', unit: 'ms from request to start', rows },
    ratios: [
      { name: `share of a core with ${large.workers} workers`, value: large.cpu, target: { atMost: 0.15 } },
      { name: 'KB a worker', value: large.bytesPerWorker / 1_000, target: { atMost: 15 } },
      {
        name: `dispatch p99 to that with ${small.workers}`,
        value: p99(large) / p99(small),
        target: { atMost: 3 },
      },
    ],
    notes: fleets.map(
      ({ workers, cpu, bytesPerWorker }) =>
        `${workers} workers: ${(cpu * 100).toFixed(1)} % of a core, ${(bytesPerWorker / 1_000).toFixed(1)} KB each`,
    ),
    plots: [
      {
        ...{ title: 'Cost of a fleet', x: 'workers', y: '% of a core' },
        series: [{ name: 'CPU', points: fleets.map(({ workers, cpu }) => [workers, cpu * 100] as const) }],
      },
    ],
  };
}

async function one(workers: number): Promise<Fleet> {
  const subject = await Subject.start('orchestrator');
  const common = { url: subject.url, bare: false };
  const relays = await Load.relays({ ...common, count: 10, jobBytes: 4_096, arrivals: DISPATCH, warmUp: 20 });
  await after(SETTLE_MS);
  const empty = subject.memory;
  const fleetLoad = await Load.workers({ ...common, count: workers, slots: 4, reportMs: REPORT_MS });
  try {
    await after(SETTLE_MS);
    const before = subject.cpu;
    await after(IDLE_MS);
    const cpu = (subject.cpu - before) / (IDLE_MS / 1_000);
    const bytesPerWorker = (subject.memory - empty) / workers;
    const report = await relays.run();
    const started = startTimes(report, await fleetLoad.run());
    return { workers, cpu, bytesPerWorker, started };
  } finally {
    relays.stop();
    fleetLoad.stop();
    await subject.stop();
  }
}
