import { Registry } from 'prom-client';
import { type Exposition, exposition, gauge, type MetricEntry } from '#shared/metrics.ts';
import type { Leadership } from './leadership.ts';

const METRICS = {
  leader: { name: 'clusterplex_leader', type: 'gauge', help: '1 on the leader, 0 on a standby', labels: [] },
  term: {
    name: 'clusterplex_leader_term',
    type: 'gauge',
    help: 'How often leadership had changed hands when this one took it; 0 without elections',
    labels: [],
  },
} as const satisfies Record<string, MetricEntry>;

export const LEADER_METRICS: readonly MetricEntry[] = Object.values(METRICS);

export class LeaderMetrics {
  readonly #registry = new Registry();
  readonly #leadership: Leadership;

  constructor(leadership: Leadership) {
    this.#leadership = leadership;
    gauge(this.#registry, METRICS.leader, (metric) => metric.set(Number(leadership.leads)));
    gauge(this.#registry, METRICS.term, (metric) => metric.set(leadership.term));
  }

  /** A standby tells nothing else: it knows no workers and no jobs, which does not mean that there are none. */
  async exposition(others: { exposition(): Promise<Exposition> }): Promise<Exposition> {
    const { contentType, text } = await exposition(this.#registry);
    if (!this.#leadership.leads) return { contentType, text };
    return { contentType, text: `${(await others.exposition()).text}${text}` };
  }
}
