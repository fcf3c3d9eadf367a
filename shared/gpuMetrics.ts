import type { Registry } from 'prom-client';
import type { Gpu } from './capabilities.ts';
import { gauge, type MetricEntry } from './metrics.ts';
import type { GpuLoad, Load } from './protocol/messages.ts';

const READINGS: readonly {
  readonly entry: Omit<MetricEntry, 'labels'>;
  read(gpu: GpuLoad): number | null;
}[] = [
  {
    entry: {
      name: 'gpu_percent',
      type: 'gauge',
      help: 'Load of the GPU, whoever uses it, 0 to 100 %',
    },
    read: ({ utilisation }) => utilisation,
  },
  {
    entry: {
      name: 'gpu_encoder_percent',
      type: 'gauge',
      help: 'Load of its encoders, 0 to 100 %',
    },
    read: ({ encoder }) => encoder,
  },
  {
    entry: {
      name: 'gpu_encoder_sessions',
      type: 'gauge',
      help: 'Encoder sessions, whoever opened them',
    },
    read: ({ sessions }) => sessions,
  },
  {
    entry: { name: 'gpu_memory_used_bytes', type: 'gauge', help: 'Its memory in use' },
    read: ({ memoryUsed }) => memoryUsed,
  },
  {
    entry: { name: 'gpu_memory_bytes', type: 'gauge', help: 'Its memory' },
    read: ({ memoryTotal }) => memoryTotal,
  },
];

export const GPU_LABELS = ['gpu', 'gpu_name'];

/** What is told of every GPU, under the name and beside the labels of whoever tells it. */
export function gpuMetrics(prefix: string, labels: readonly string[]): MetricEntry[] {
  return READINGS.map(({ entry }) => metricOf(prefix, labels, entry));
}

export interface LabelledLoad {
  readonly labels: Readonly<Record<string, string>>;
  readonly load: Load;
}

export function gpuGauges(
  registry: Registry,
  prefix: string,
  labels: readonly string[],
  loads: () => readonly LabelledLoad[],
): void {
  for (const { entry, read } of READINGS) {
    gauge(registry, metricOf(prefix, labels, entry), (metric) => {
      for (const { labels: own, load } of loads()) {
        for (const gpu of load.gpus ?? []) {
          const value = read(gpu);
          if (value !== null) metric.set({ ...own, gpu: gpu.id, gpu_name: gpu.name }, value);
        }
      }
    });
  }
}

/** Of every card that encodes, by whatever interface. */
export function encoderGauge(
  registry: Registry,
  entry: MetricEntry,
  gpus: () => readonly Gpu[],
  read: (gpu: Gpu) => number | null,
): void {
  gauge(registry, entry, (metric) => {
    for (const gpu of gpus()) {
      const value = gpu.encoders.length > 0 ? read(gpu) : null;
      if (value !== null) metric.set({ gpu: gpu.id, gpu_name: gpu.name }, value);
    }
  });
}

function metricOf(
  prefix: string,
  labels: readonly string[],
  entry: Omit<MetricEntry, 'labels'>,
): MetricEntry {
  return { ...entry, name: `${prefix}_${entry.name}`, labels: [...labels, ...GPU_LABELS] };
}
