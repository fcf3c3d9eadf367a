import type { JobSpec } from '#shared/job.ts';
import type { Blocked } from './connection.ts';
import { Random } from './random.ts';

/** One thing that is done to the world. */
export type Act = { readonly at: number } & (
  | { readonly do: 'job'; readonly jobClass: JobSpec['jobClass']; readonly local: boolean }
  | { readonly do: 'kill-hook' | 'signal-hook' | 'cancel-job'; readonly job: number }
  | {
      readonly do: 'crash-worker' | 'cut-worker' | 'storage-bad' | 'drain';
      readonly worker: number;
      readonly ms: number;
    }
  | { readonly do: 'freeze-worker'; readonly worker: number; readonly ms: number }
  | { readonly do: 'partition-worker'; readonly worker: number; readonly way: Blocked; readonly ms: number }
  | { readonly do: 'crash-orchestrator' | 'stop-orchestrator' | 'freeze-orchestrator'; readonly ms: number }
  | { readonly do: 'crash-relay' | 'cut-relay' | 'freeze-relay'; readonly ms: number }
  | { readonly do: 'partition-relay'; readonly way: Blocked; readonly ms: number }
);

export interface Plan {
  readonly seed: number;
  /** Slots of each worker. */
  readonly workers: readonly number[];
  readonly acts: readonly Act[];
}

const HORIZON_MS = 60_000;
const WAYS = ['up', 'down', 'both'] as const;

/** What happens to one world: everything that is not chance of the network follows from it. */
export function planOf(seed: number): Plan {
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

function fault(random: Random, jobs: number, workers: number): Act {
  const at = random.next() * HORIZON_MS;
  const job = random.integer(0, jobs - 1);
  const worker = random.integer(0, workers - 1);
  const ms = random.pick([10, 300, 1_500, 3_000, 12_000, 30_000]) * random.next();
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
