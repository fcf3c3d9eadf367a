import type { Registry } from 'prom-client';
import type { ScaleGroupView } from '#shared/api/schemas.ts';
import { gauge, type MetricEntry } from '#shared/metrics.ts';

export const SCALE_METRICS = {
  desired: {
    name: 'clusterplex_scale_desired',
    type: 'gauge',
    help: 'Workers that there should be; of groups that the scale spec names, or somebody has set',
    labels: ['group'],
  },
  current: {
    name: 'clusterplex_scale_current',
    type: 'gauge',
    help: 'Workers that there are of such a group',
    labels: ['group'],
  },
} as const satisfies Record<string, MetricEntry>;

export function scaleGauges(registry: Registry, groups: () => readonly ScaleGroupView[]): void {
  for (const key of ['desired', 'current'] as const) {
    gauge(registry, SCALE_METRICS[key], (metric) => {
      for (const group of groups()) metric.set({ group: group.name }, group[key]);
    });
  }
}
