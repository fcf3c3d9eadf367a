import type { Worker } from './model.ts';
import type { Strategy } from './settings.ts';

/** What a strategy looks at, most important first; the worker with the smallest key is chosen. */
export type Key = readonly number[];

/**
 * Every strategy counts what the orchestrator itself has assigned since the worker measured its load, so that a burst
 * between two reports spreads. Ties go to the worker that was given a job longest ago, or where workers are scaled to the
 * one that is removed last.
 */
export const strategyKeys: Record<Strategy, (worker: Worker) => Key> = {
  LOAD_TASKS: (worker) => [worker.running, tie(worker)],
  LOAD_CPU: (worker) => [estimatedCpu(worker), worker.running, tie(worker)],
  LOAD_RANK: (worker) => [-rank(worker), worker.running, tie(worker)],
  RR: (worker) => [worker.lastAssigned],
};

function tie({ scaled, ordinal, lastAssigned }: Worker): number {
  return scaled && ordinal !== null ? ordinal : lastAssigned;
}

/** ClusterPlex's rank: what is left of the benchmark's speed. */
export function rank(worker: Worker): number {
  return worker.load.ops * (1 - estimatedCpu(worker) / 100);
}

/** Percent. A worker with all slots taken counts as fully loaded, so one task is a slot's share. */
function estimatedCpu(worker: Worker): number {
  return Math.min(100, worker.load.cpu + (worker.unsampled * 100) / worker.slots);
}

export function compareKeys(a: Key, b: Key): number {
  for (let index = 0; index < a.length; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
