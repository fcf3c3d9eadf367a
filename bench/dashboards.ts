/** What 50 open dashboards do to dispatch: each is told of every change. */
import { summarise } from './percentiles.ts';
import type { Result } from './result.ts';
import { measure } from './stage.ts';

const DASHBOARDS = 50;
/** More than ten times what a busy evening brings. */
const ARRIVALS = { kind: 'open', perSecond: 10, seconds: 10 } as const;

export async function dashboards(): Promise<Result> {
  const started = { without: [] as number[], watched: [] as number[] };
  // In turns: what disturbs the machine for a while disturbs both.
  for (const name of ['without', 'watched', 'watched', 'without'] as const) {
    const watchers = name === 'watched' ? DASHBOARDS : 0;
    const measured = await measure({
      bare: false,
      relays: 1,
      workers: 10,
      arrivals: ARRIVALS,
      warmUp: 20,
      watchers,
    });
    started[name].push(...measured.started);
  }
  const [without, watched] = [summarise(started.without), summarise(started.watched)];
  return {
    ...{ name: 'dashboards', unit: 'ms' },
    rows: [
      { name: 'dispatch, nobody watches', summary: without },
      { name: `dispatch, ${DASHBOARDS} dashboards`, summary: watched },
    ],
    ratios: [{ name: 'p99 to nobody', value: watched.p99 / without.p99, target: { atMost: 1.5 } }],
    plots: [],
  };
}
