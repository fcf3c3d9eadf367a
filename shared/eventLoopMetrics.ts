import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Registry } from 'prom-client';
import { gauge, type MetricEntry } from './metrics.ts';

/** How often it is looked, in milliseconds: often enough to see what a viewer would notice, and free. */
const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

/** How late a process does what is due, under the name of whoever tells it. */
export function eventLoopMetric(prefix: string): MetricEntry {
  return {
    name: `${prefix}_event_loop_lag_seconds`,
    type: 'gauge',
    help: 'How late the process does what is due, since the last scrape; `percentile` 100 is the worst',
    labels: ['percentile'],
  };
}

export function eventLoopGauge(registry: Registry, entry: MetricEntry): void {
  let delay: ReturnType<typeof monitorEventLoopDelay> | null = null;
  gauge(registry, entry, (metric) => {
    // Nobody pays for it whom nobody scrapes.
    if (delay === null) {
      delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      delay.enable();
    }
    for (const percentile of [50, 99, 100]) {
      const between = delay.count === 0 ? 0 : delay.percentile(percentile) / NANOSECONDS;
      metric.set({ percentile: String(percentile) }, Math.max(0, between - RESOLUTION_MS / 1_000));
    }
    delay.reset();
  });
}
