import type { JobSpec } from '#shared/job.ts';
import { type GroupSpec, UNSPECIFIED } from '../../orchestrator/core/scaleSpec.ts';
import type { Blocked } from './connection.ts';
import { Random } from './random.ts';

/** What the monotonic clock of a suspended machine does. */
export type Suspended = 'goes-on' | 'stands';

/** One thing that is done to the world. */
export type Act = { readonly at: number } & (
  | {
      readonly do: 'job';
      readonly jobClass: JobSpec['jobClass'];
      readonly local: boolean;
      /** Not every worker can do it. */
      readonly isHard?: boolean;
    }
  | { readonly do: 'scale'; readonly minimum: number; readonly desired: number; readonly maximum: number }
  | { readonly do: 'burst'; readonly workers: number; readonly ms: number }
  | { readonly do: 'kill-hook' | 'signal-hook' | 'cancel-job'; readonly job: number }
  | { readonly do: 'submit-again' | 'hook-again'; readonly job: number }
  | {
      readonly do: 'crash-worker' | 'cut-worker' | 'storage-bad' | 'storage-hangs' | 'drain';
      readonly worker: number;
      readonly ms: number;
    }
  | { readonly do: 'freeze-worker' | 'slow-worker'; readonly worker: number; readonly ms: number }
  | { readonly do: 'suspend-worker'; readonly worker: number; readonly clock: Suspended; readonly ms: number }
  | { readonly do: 'partition-worker'; readonly worker: number; readonly way: Blocked; readonly ms: number }
  | { readonly do: 'crash-orchestrator' | 'stop-orchestrator' | 'freeze-orchestrator'; readonly ms: number }
  | { readonly do: 'depose-orchestrator'; readonly ms: number }
  | { readonly do: 'crash-relay' | 'cut-relay' | 'freeze-relay' | 'slow-relay'; readonly ms: number }
  | { readonly do: 'suspend-orchestrator' | 'suspend-relay'; readonly clock: Suspended; readonly ms: number }
  | { readonly do: 'partition-relay'; readonly way: Blocked; readonly ms: number }
);

export interface Plan {
  readonly seed: number;
  /** Slots of each worker. */
  readonly workers: readonly number[];
  readonly acts: readonly Act[];
  /** How the workers are scaled; absent where they are not. */
  readonly scale?: PlannedScale;
}

export interface PlannedScale {
  readonly spec: GroupSpec;
  /** The workers that can do what is hard, by their numbers. */
  readonly able: readonly number[];
}

const HORIZON_MS = 60_000;
const DURATIONS_MS = [10, 300, 1_500, 3_000, 12_000, 30_000];
const WAYS = ['up', 'down', 'both'] as const;
const WINDOWS_MS = [0, 4_000, 15_000];
const SUSPENDED = ['goes-on', 'stands'] as const;

/** The worlds as they were before `planOf` added to them: those that once went wrong are known by their seeds. */
export function firstPlanOf(seed: number): Plan & { acts: Act[] } {
  const random = new Random(seed);
  const workers = Array.from({ length: random.integer(1, 4) }, () => random.integer(1, 3));
  const acts: Act[] = [];
  const burst = random.chance(0.3);
  for (let count = random.integer(1, 20); count > 0; count -= 1) {
    const at = burst ? random.next() * 200 : random.next() * HORIZON_MS;
    acts.push({
      at,
      do: 'job',
      jobClass: random.pick(['playback', 'background']),
      local: random.chance(0.7),
    });
  }
  const jobs = acts.length;
  for (let count = random.integer(0, 15); count > 0; count -= 1)
    acts.push(fault(random, jobs, workers.length));
  return { seed, workers, acts: acts.sort((a, b) => a.at - b.at) };
}

/** Another orchestrator leads, and the one before does not know of it, for as long as its lease would allow at most. */
const DEPOSED_MS = 10_000;

/** A world in which leadership changes hands, once or a few times, beside all else. */
export function electionPlanOf(seed: number): Plan {
  const { workers, acts } = planOf(seed);
  const random = new Random(seed ^ 0x6b43a9b5);
  const more = Array.from({ length: random.integer(1, 4) }, (): Act => {
    const [at, ms] = [random.next() * HORIZON_MS, random.next() * DEPOSED_MS];
    return { at, do: 'depose-orchestrator', ms };
  });
  return { seed, workers, acts: [...acts, ...more].sort((a, b) => a.at - b.at) };
}

/** A world of workers that are scaled: in half of them nothing else happens but jobs. */
export function scaledPlanOf(seed: number): Plan {
  const base = planOf(seed);
  const random = new Random(seed ^ 0x3c6ef372);
  const workers = Array.from({ length: random.integer(2, 5) }, () => random.integer(1, 3));
  const able = [...workers.keys()].filter(() => random.chance(0.4));
  const isQuiet = random.chance(0.5);
  const acts = base.acts.flatMap((act): Act[] => {
    if (act.do === 'job') return [{ ...act, isHard: random.chance(0.3) }];
    return isQuiet ? [] : [act];
  });
  const bounds = () => {
    const maximum = random.integer(1, workers.length);
    const desired = random.integer(0, maximum);
    return { maximum, desired, minimum: random.integer(0, desired) };
  };
  for (let count = random.integer(1, 6); count > 0; count -= 1) {
    const at = random.next() * HORIZON_MS;
    const ms = random.next() * 20_000;
    const burst = { at, do: 'burst', workers: random.integer(1, workers.length), ms } as const;
    acts.push(random.chance(0.5) ? burst : { at, do: 'scale', ...bounds() });
  }
  const stabilisationMs = random.pick(WINDOWS_MS);
  const spec: GroupSpec = { ...UNSPECIFIED, ...bounds(), scalable: 'infra', stabilisationMs };
  return { seed, workers, acts: acts.sort((a, b) => a.at - b.at), scale: { spec, able } };
}

/**
 * What happens to one world: everything that is not chance of the network follows from it. In a tenth of them little
 * does: the orchestrator stands still, once.
 */
export function planOf(seed: number): Plan {
  const { workers, acts } = firstPlanOf(seed);
  const random = new Random(seed ^ 0x2545f491);
  const jobs = acts.filter((act) => act.do === 'job');
  const more: Act[] = [];
  if (random.chance(0.1)) {
    acts.splice(0, acts.length, ...jobs, ...standstill(random, workers.length));
  } else {
    for (let count = random.integer(0, 8); count > 0; count -= 1)
      more.push(laterFault(random, jobs.length, workers.length));
  }
  return { seed, workers, acts: [...acts, ...more].sort((a, b) => a.at - b.at) };
}

/** A worker that lost its connection just before is back before the orchestrator looks. */
function standstill(random: Random, workers: number): Act[] {
  const [at, ms] = [random.next() * HORIZON_MS, random.next() * 30_000];
  const worker = random.integer(0, workers - 1);
  return random.pick<Act[]>([
    [{ at, do: 'freeze-orchestrator', ms }],
    [{ at, do: 'suspend-orchestrator', clock: random.pick(SUSPENDED), ms }],
    [
      { at: at - 60, do: 'cut-worker', worker, ms },
      // Long enough for the orchestrator to notice that it was more than busy.
      { at, do: 'freeze-orchestrator', ms: 3_500 + ms },
    ],
  ]);
}

function laterFault(random: Random, jobs: number, workers: number): Act {
  const at = random.next() * HORIZON_MS;
  const job = random.integer(0, jobs - 1);
  const worker = random.integer(0, workers - 1);
  const ms = random.pick(DURATIONS_MS) * random.next();
  const clock = random.pick(SUSPENDED);
  return random.pick<Act>([
    { at, do: 'submit-again', job },
    { at, do: 'hook-again', job },
    { at, do: 'storage-hangs', worker, ms },
    { at, do: 'slow-worker', worker, ms },
    { at, do: 'slow-relay', ms },
    { at, do: 'suspend-worker', worker, clock, ms },
    { at, do: 'suspend-orchestrator', clock, ms },
    { at, do: 'suspend-relay', clock, ms },
  ]);
}

function fault(random: Random, jobs: number, workers: number): Act {
  const at = random.next() * HORIZON_MS;
  const job = random.integer(0, jobs - 1);
  const worker = random.integer(0, workers - 1);
  const ms = random.pick(DURATIONS_MS) * random.next();
  const way = random.pick(WAYS);
  return random.pick<Act>([
    { at, do: 'kill-hook', job },
    { at, do: 'signal-hook', job },
    { at, do: 'cancel-job', job },
    { at, do: 'crash-worker', worker, ms },
    { at, do: 'cut-worker', worker, ms },
    { at, do: 'storage-bad', worker, ms },
    { at, do: 'drain', worker, ms },
    { at, do: 'freeze-worker', worker, ms },
    { at, do: 'partition-worker', worker, way, ms },
    { at, do: 'crash-orchestrator', ms },
    { at, do: 'stop-orchestrator', ms },
    { at, do: 'freeze-orchestrator', ms },
    { at, do: 'crash-relay', ms: ms / 5 },
    { at, do: 'cut-relay', ms },
    { at, do: 'freeze-relay', ms },
    { at, do: 'partition-relay', way, ms },
  ]);
}
