import type { Arrivals, LoadReport } from './load/plan.ts';
import { Load, Subject } from './load/processes.ts';

export interface StageOptions {
  /** The reference instead of the orchestrator. */
  readonly bare: boolean;
  readonly relays: number;
  readonly workers: number;
  readonly slots?: number;
  readonly arrivals: Arrivals;
  readonly jobBytes?: number;
  readonly warmUp?: number;
}

export interface Measured extends LoadReport {
  /** Microseconds of the subject's CPU time a job. */
  readonly cpuPerJob: number;
  readonly jobsPerSecond: number;
}

/** A usual job of PMS, in bytes. */
const JOB_BYTES = 4_096;
const REPORT_MS = 2_000;

/** Relays, workers and what stands between them, each as a process of its own, for one measurement. */
export async function measure(options: StageOptions): Promise<Measured> {
  const { bare, relays, workers, slots = 100, arrivals, jobBytes = JOB_BYTES, warmUp = 200 } = options;
  const subject = await Subject.start(bare ? 'bench/load/bareRelay.ts' : 'orchestrator/main.ts');
  const common = { url: subject.url, bare };
  const loads: Load[] = [];
  try {
    loads.push(await Load.start({ ...common, role: 'workers', count: workers, slots, reportMs: REPORT_MS }));
    const submitting = await Load.start({
      ...common,
      role: 'relays',
      count: relays,
      jobBytes,
      arrivals,
      warmUp,
    });
    loads.push(submitting);
    const before = subject.cpu;
    const report = await submitting.run();
    const jobs = report.ended.length + warmUp;
    return {
      ...report,
      cpuPerJob: ((subject.cpu - before) / jobs) * 1_000_000,
      jobsPerSecond: report.ended.length / report.seconds,
    };
  } finally {
    for (const load of loads) load.stop();
    await subject.stop();
  }
}
