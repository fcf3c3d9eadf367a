import { type Arrivals, type RelaysReport, startTimes } from './load/plan.ts';
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
  /** Dashboards that are open meanwhile. */
  readonly watchers?: number;
}

export interface Measured extends Omit<RelaysReport, 'due'> {
  /** Milliseconds from the request at the relay to the start at the worker. */
  readonly started: readonly number[];
  /** Microseconds of the subject's CPU time a job. */
  readonly cpuPerJob: number;
  readonly jobsPerSecond: number;
}

/** A usual job of PMS, in bytes. */
const JOB_BYTES = 4_096;
const REPORT_MS = 2_000;

/** Relays, workers and what stands between them, each as a process of its own, for one measurement. */
export async function measure(options: StageOptions): Promise<Measured> {
  const {
    bare,
    relays,
    workers,
    slots = 100,
    arrivals,
    jobBytes = JOB_BYTES,
    warmUp = 200,
    watchers = 0,
  } = options;
  const subject = await Subject.start(bare ? 'bare relay' : 'orchestrator');
  const closed = new AbortController();
  const common = { url: subject.url, bare };
  const fleet = await Load.workers({ ...common, count: workers, slots, reportMs: REPORT_MS });
  try {
    for (let count = 0; count < watchers; count++) await watch(subject.url, closed.signal);
    const submitting = await Load.relays({ ...common, count: relays, jobBytes, arrivals, warmUp });
    try {
      const before = subject.cpu;
      const report = await submitting.run();
      const jobs = report.ended.length + warmUp;
      return {
        ...report,
        started: startTimes(report, await fleet.run()),
        cpuPerJob: ((subject.cpu - before) / jobs) * 1_000_000,
        jobsPerSecond: report.ended.length / report.seconds,
      };
    } finally {
      submitting.stop();
    }
  } finally {
    closed.abort();
    fleet.stop();
    await subject.stop();
  }
}

/** Reads the events as a dashboard does, and throws them away. */
async function watch(url: string, signal: AbortSignal): Promise<void> {
  const { body } = await fetch(`${url}/api/v1/events`, { headers: { accept: 'text/event-stream' }, signal });
  body?.pipeTo(new WritableStream()).catch(() => undefined);
}
