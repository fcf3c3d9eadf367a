import type { TimelinesView } from '#shared/api/schemas.ts';
import { type Clock, type Timer, WallClock } from '#shared/clock.ts';
import type { Cluster } from './core/cluster.ts';
import { jobState } from './core/model.ts';
import { takesJobs } from './core/ordinals.ts';

const SAMPLE_MS = 10_000;
/** Six hours. */
const MAX_SAMPLES = 2160;

type Sample = { readonly [Line in keyof TimelinesView]: TimelinesView[Line][number] };

/** What the last hours looked like, for the dashboard; lost when the orchestrator stops. */
export class Timelines {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #wall: WallClock;
  readonly #longestFirstSegment: () => number | null;
  readonly #samples: Sample[] = [];
  #timer: Timer;

  /** @param longestFirstSegment since it was asked last, in milliseconds */
  constructor(cluster: Cluster, clock: Clock, longestFirstSegment: () => number | null) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#wall = new WallClock(clock);
    this.#longestFirstSegment = longestFirstSegment;
    this.#timer = clock.after(SAMPLE_MS, this.#sample);
  }

  view(): TimelinesView {
    const line = <Line extends keyof Sample>(name: Line): Sample[Line][] =>
      this.#samples.map((sample) => sample[name]);
    return {
      ...{ at: line('at'), running: line('running'), queued: line('queued') },
      ...{ workers: line('workers'), slots: line('slots'), speed: line('speed') },
      ...{ firstSegmentMs: line('firstSegmentMs'), cpu: line('cpu'), gpu: line('gpu') },
    };
  }

  stop(): void {
    this.#timer.cancel();
  }

  readonly #sample = (): void => {
    const ready = [...this.#cluster.workers.values()].filter(takesJobs);
    const running = [...this.#cluster.jobs.values()].filter((job) => jobState(job) === 'running');
    const gpus = ready.flatMap(({ load }) => load.gpus ?? []).map(({ utilisation }) => utilisation);
    this.#samples.push({
      at: Math.round(this.#wall.at(this.#clock.now()).getTime() / 1000),
      running: running.length,
      queued: this.#cluster.queued,
      workers: ready.length,
      slots: ready.reduce((sum, { slots }) => sum + slots, 0),
      speed: mean(running.map(({ accepted }) => accepted?.speed ?? null)),
      firstSegmentMs: this.#longestFirstSegment(),
      cpu: mean(ready.map(({ load }) => load.cpu)),
      gpu: mean(gpus),
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#timer = this.#clock.after(SAMPLE_MS, this.#sample);
  };
}

/** Of those that are known; null when none is. */
function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  return Math.round((known.reduce((sum, value) => sum + value, 0) / known.length) * 100) / 100;
}
