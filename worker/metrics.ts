import { Registry } from 'prom-client';
import type { Gpu } from '#shared/capabilities.ts';
import { eventLoopGauge, eventLoopMetric } from '#shared/eventLoopMetrics.ts';
import { encoderGauge, GPU_LABELS, gpuGauges, gpuMetrics } from '#shared/gpuMetrics.ts';
import { counter, type Exposition, exposition, gauge, type MetricEntry } from '#shared/metrics.ts';
import type { Check } from '#shared/protocol/check.ts';
import type { Load, Mount } from '#shared/protocol/messages.ts';
import type { Licence } from './eae/licence.ts';

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
  latency: {
    name: 'clusterplex_mount_latency_seconds',
    type: 'gauge',
    help: 'How long what one side writes takes to be seen on the other, the longest of the last ones',
    labels: ['path', 'written_by'],
  },
  probe: {
    name: 'clusterplex_mount_probe_seconds',
    type: 'gauge',
    help: 'How long the last look at the mount took; 5 when it did not answer',
    labels: ['path'],
  },
  fenceKills: {
    name: 'clusterplex_fence_kills_total',
    type: 'counter',
    help: 'Transcoders that were killed here because another attempt owned their job',
    labels: [],
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
  eae: {
    name: 'clusterplex_eae_available',
    type: 'gauge',
    help: '1 when jobs that need EasyAudioEncoder can run here',
    labels: [],
  },
  eaeRunning: {
    name: 'clusterplex_eae_running',
    type: 'gauge',
    help: '1 while EasyAudioEncoder runs',
    labels: [],
  },
  eaeLicence: {
    name: 'clusterplex_eae_licence_end_seconds',
    type: 'gauge',
    help: 'When its licence ends, as a Unix time; absent without one, and when it never ends',
    labels: [],
  },
  sessionLimit: {
    name: 'clusterplex_gpu_encoder_sessions_limit',
    type: 'gauge',
    help: 'Encoder sessions that it has at most; absent where no limit is known',
    labels: GPU_LABELS,
  },
} as const satisfies Record<string, MetricEntry>;

const EVENT_LOOP = eventLoopMetric('clusterplex');

export const WORKER_METRICS: readonly MetricEntry[] = [
  ...Object.values(METRICS),
  ...gpuMetrics('clusterplex', []),
  EVENT_LOOP,
];

export interface WorkerReadings {
  running(): number;
  slots(): number;
  load(): Load;
  gpus(): readonly Gpu[];
  checks(): readonly Check[];
  mounts(): readonly Mount[];
  /** How long the last look at each mount took. */
  probes(): readonly { readonly path: string; readonly ms: number }[];
  eae(): { readonly available: boolean; readonly pid: number | null; readonly licence: Licence | null };
  codecs(): { readonly wanted: number; readonly missing: number };
}

export class WorkerMetrics {
  readonly #registry = new Registry();
  readonly #fenceKills = counter(this.#registry, METRICS.fenceKills);

  constructor(read: WorkerReadings) {
    gauge(this.#registry, METRICS.running, (metric) => metric.set(read.running()));
    gauge(this.#registry, METRICS.slots, (metric) => metric.set(read.slots()));
    gauge(this.#registry, METRICS.cpu, (metric) => metric.set(read.load().cpu));
    gpuGauges(this.#registry, 'clusterplex', [], () => [{ labels: {}, load: read.load() }]);
    encoderGauge(this.#registry, METRICS.sessionLimit, read.gpus, ({ sessionLimit }) => sessionLimit);
    gauge(this.#registry, METRICS.check, (metric) => {
      for (const { name, ok } of read.checks()) metric.set({ check: name }, Number(ok));
    });
    gauge(this.#registry, METRICS.latency, (metric) => {
      for (const { path, latencyMs, latencyToPmsMs } of read.mounts()) {
        if (latencyMs !== undefined) metric.set({ path, written_by: 'pms' }, latencyMs / 1_000);
        if (latencyToPmsMs !== undefined) metric.set({ path, written_by: 'worker' }, latencyToPmsMs / 1_000);
      }
    });
    gauge(this.#registry, METRICS.probe, (metric) => {
      for (const { path, ms } of read.probes()) metric.set({ path }, ms / 1_000);
    });
    eventLoopGauge(this.#registry, EVENT_LOOP);
    gauge(this.#registry, METRICS.codecs, (metric) => metric.set(read.codecs().wanted));
    gauge(this.#registry, METRICS.codecsMissing, (metric) => metric.set(read.codecs().missing));
    gauge(this.#registry, METRICS.eae, (metric) => metric.set(Number(read.eae().available)));
    gauge(this.#registry, METRICS.eaeRunning, (metric) => metric.set(Number(read.eae().pid !== null)));
    gauge(this.#registry, METRICS.eaeLicence, (metric) => {
      const { endsAt } = read.eae().licence ?? { endsAt: null };
      // A gauge without labels stands at 0 until it is told otherwise.
      metric.remove();
      if (endsAt !== null) metric.set(endsAt / 1_000);
    });
  }

  fenceKilled(): void {
    this.#fenceKills.inc();
  }

  exposition(): Promise<Exposition> {
    return exposition(this.#registry);
  }
}
