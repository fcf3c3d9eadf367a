import { Registry } from 'prom-client';
import { type Exposition, exposition, gauge, type MetricEntry } from '#shared/metrics.ts';
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
  codecs: {
    name: 'clusterplex_codecs_wanted',
    type: 'gauge',
    help: 'Codecs that the transcoder wants beside it; 0 where it has them inside',
    labels: [],
  },
  codecsMissing: {
    name: 'clusterplex_codecs_missing',
    type: 'gauge',
    help: 'Those of them that are not there, or not usable',
    labels: [],
  },
} as const satisfies Record<string, MetricEntry>;

export const WORKER_METRICS: readonly MetricEntry[] = Object.values(METRICS);

export interface WorkerReadings {
  running(): number;
  slots(): number;
  cpu(): number;
  checks(): readonly Check[];
  codecs(): { readonly wanted: number; readonly missing: number };
}

export class WorkerMetrics {
  readonly #registry = new Registry();

  constructor(read: WorkerReadings) {
    gauge(this.#registry, METRICS.running, (metric) => metric.set(read.running()));
    gauge(this.#registry, METRICS.slots, (metric) => metric.set(read.slots()));
    gauge(this.#registry, METRICS.cpu, (metric) => metric.set(read.cpu()));
    gauge(this.#registry, METRICS.check, (metric) => {
      for (const { name, ok } of read.checks()) metric.set({ check: name }, Number(ok));
    });
    gauge(this.#registry, METRICS.codecs, (metric) => metric.set(read.codecs().wanted));
    gauge(this.#registry, METRICS.codecsMissing, (metric) => metric.set(read.codecs().missing));
  }

  exposition(): Promise<Exposition> {
    return exposition(this.#registry);
  }
}
