import { Registry } from 'prom-client';
import { counter, type Exposition, exposition, gauge, type MetricEntry } from '#shared/metrics.ts';
import type { Check } from '#shared/protocol/check.ts';
import { isSplit, REASONS, type Reason, type Server } from './core/failover.ts';

const PROBE_CHECK = {
  name: 'clusterplex_dfs_probe_check_ok',
  type: 'gauge',
  help: '1 when the check of /ready is ok: what this storage node exports can be mounted',
  labels: ['check'],
} as const;

const METRICS = {
  check: {
    name: 'clusterplex_dfs_mount_check_ok',
    type: 'gauge',
    help: '1 when the check of /ready is ok',
    labels: ['check'],
  },
  mounted: {
    name: 'clusterplex_dfs_mounted',
    type: 'gauge',
    help: '1 for the storage node whose export is mounted here',
    labels: ['server'],
  },
  ready: {
    name: 'clusterplex_dfs_servers_ready',
    type: 'gauge',
    help: 'Storage nodes that say that they serve, as seen from here',
    labels: [],
  },
  split: {
    name: 'clusterplex_dfs_split_brain',
    type: 'gauge',
    help: '1 while more than one does; the one that is mounted is kept',
    labels: [],
  },
  remounts: {
    name: 'clusterplex_dfs_remounts_total',
    type: 'counter',
    help: 'Times that an export was mounted, by why',
    labels: ['reason'],
  },
} as const satisfies Record<string, MetricEntry>;

export const PROBE_METRICS: readonly MetricEntry[] = [PROBE_CHECK];
export const MOUNT_METRICS: readonly MetricEntry[] = Object.values(METRICS);

/** @returns what tells the metrics of dfs-probe */
export function probeMetrics(checks: () => readonly Check[]): () => Promise<Exposition> {
  const registry = new Registry();
  checkGauge(registry, PROBE_CHECK, checks);
  return () => exposition(registry);
}

export interface MountReadings {
  checks(): readonly Check[];
  servers(): readonly Server[];
  mounted(): string | null;
}

export class MountMetrics {
  readonly #registry = new Registry();
  readonly #remounts = counter(this.#registry, METRICS.remounts);

  constructor(read: MountReadings) {
    checkGauge(this.#registry, METRICS.check, () => read.checks());
    gauge(this.#registry, METRICS.mounted, (metric) => {
      const server = read.mounted();
      if (server !== null) metric.set({ server }, 1);
    });
    gauge(this.#registry, METRICS.ready, (metric) => {
      metric.set(read.servers().filter(({ ready }) => ready).length);
    });
    gauge(this.#registry, METRICS.split, (metric) => metric.set(Number(isSplit(read.servers()))));
    // What never happened should count as 0 from the beginning.
    for (const reason of REASONS) this.#remounts.inc({ reason }, 0);
  }

  remounted(reason: Reason): void {
    this.#remounts.inc({ reason });
  }

  exposition(): Promise<Exposition> {
    return exposition(this.#registry);
  }
}

function checkGauge(registry: Registry, entry: MetricEntry, checks: () => readonly Check[]): void {
  gauge(registry, entry, (metric) => {
    for (const { name, ok } of checks()) metric.set({ check: name }, Number(ok));
  });
}
