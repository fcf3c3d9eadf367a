import { Registry } from 'prom-client';
import { gpuGauges, gpuMetrics } from '#shared/gpuMetrics.ts';
import { type Exposition, exposition, gauge, type MetricEntry } from '#shared/metrics.ts';
import type { Load } from '#shared/protocol/messages.ts';
import type { Check } from './readiness.ts';

const METRICS = {
  running: {
    name: 'clusterplex_attempts_running',
    type: 'gauge',
    help: 'Attempts that run here',
    labels: [],
  },
  slots: { name: 'clusterplex_slots', type: 'gauge', help: 'Attempts that may run here at once', labels: [] },
  cpu: {
    name: 'clusterplex_cpu_percent',
    type: 'gauge',
    help: 'CPU load, 0 to 100 % of its cgroup',
    labels: [],
  },
  check: {
    name: 'clusterplex_check_ok',
    type: 'gauge',
    help: '1 when the check of /ready is ok',
    labels: ['check'],
  },
} as const satisfies Record<string, MetricEntry>;

export const WORKER_METRICS: readonly MetricEntry[] = [
  ...Object.values(METRICS),
  ...gpuMetrics('clusterplex', []),
];

export interface WorkerReadings {
  running(): number;
  slots(): number;
  load(): Load;
  checks(): readonly Check[];
}

export class WorkerMetrics {
  readonly #registry = new Registry();

  constructor(read: WorkerReadings) {
    gauge(this.#registry, METRICS.running, (metric) => metric.set(read.running()));
    gauge(this.#registry, METRICS.slots, (metric) => metric.set(read.slots()));
    gauge(this.#registry, METRICS.cpu, (metric) => metric.set(read.load().cpu));
    gpuGauges(this.#registry, 'clusterplex', [], () => [{ labels: {}, load: read.load() }]);
    gauge(this.#registry, METRICS.check, (metric) => {
      for (const { name, ok } of read.checks()) metric.set({ check: name }, Number(ok));
    });
  }

  exposition(): Promise<Exposition> {
    return exposition(this.#registry);
  }
}
