import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** One metric: documentation and registration both come from it. */
export interface MetricEntry {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Upper bounds in seconds: a dispatch takes about a millisecond, a wait for a slot up to minutes. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function counter(registry: Registry, { name, help, labels }: MetricEntry): Counter {
  return new Counter({ name, help, labelNames: [...labels], registers: [registry] });
}

/** @param collect sets the gauge's values anew at every scrape, so that no series outlives what it describes */
export function gauge(
  registry: Registry,
  { name, help, labels }: MetricEntry,
  collect: (gauge: Gauge) => void,
): Gauge {
  return new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      collect(this);
    },
  });
}

export function seconds(registry: Registry, entry: MetricEntry): Histogram {
  return histogram(registry, entry, SECONDS);
}

/** @param buckets their upper bounds */
export function histogram(
  registry: Registry,
  { name, help, labels }: MetricEntry,
  buckets: readonly number[],
): Histogram {
  return new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
}

export async function exposition(registry: Registry): Promise<Exposition> {
  return { contentType: registry.contentType, text: await registry.metrics() };
}
