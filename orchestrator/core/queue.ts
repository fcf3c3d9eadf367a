import type { JobClass } from '#shared/job.ts';
import type { Job } from './model.ts';

/** Jobs that the same workers may take: when one of them finds no place, none of the others does. */
export interface QueueGroup {
  readonly jobClass: JobClass;
  /** Oldest first. */
  readonly jobs: Job[];
}

const CLASS_ORDER: Record<JobClass, number> = { playback: 0, background: 1 };

/** Jobs that wait for a worker: playback before background, then first come. */
export class Queue {
  readonly #groups = new Map<string, QueueGroup>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get groups(): Iterable<QueueGroup> {
    return this.#groups.values();
  }

  add(job: Job): void {
    const key = groupKey(job);
    let group = this.#groups.get(key);
    if (!group) {
      group = { jobClass: job.spec.jobClass, jobs: [] };
      this.#groups.set(key, group);
    }
    group.jobs.splice(place(group.jobs, job.order), 0, job);
    this.#size += 1;
  }

  /** Whether the job was in the queue. Must be called before its `avoid` set or `software` changes. */
  remove(job: Job): boolean {
    const key = groupKey(job);
    const group = this.#groups.get(key);
    if (!group) return false;
    const index = place(group.jobs, job.order);
    if (group.jobs[index] !== job) return false;
    group.jobs.splice(index, 1);
    if (group.jobs.length === 0) this.#groups.delete(key);
    this.#size -= 1;
    return true;
  }

  /** The group whose first job is next, leaving out those that found no place. */
  first(without: ReadonlySet<QueueGroup>): QueueGroup | null {
    let best: QueueGroup | null = null;
    for (const group of this.#groups.values()) {
      if (!without.has(group) && (best === null || isBefore(group, best))) best = group;
    }
    return best;
  }
}

function isBefore(a: QueueGroup, b: QueueGroup): boolean {
  const byClass = CLASS_ORDER[a.jobClass] - CLASS_ORDER[b.jobClass];
  if (byClass !== 0) return byClass < 0;
  return (a.jobs[0]?.order ?? 0) < (b.jobs[0]?.order ?? 0);
}

function groupKey(job: Job): string {
  const { decoders, encoders, eae, hardware, video } = job.requirements;
  const needs = [decoders, encoders, eae, hardware, hardware && video, job.software];
  return JSON.stringify([job.spec.jobClass, needs, ...[...job.avoid].sort()]);
}

/** Index of the first job whose order is not below `order`. */
function place(jobs: readonly Job[], order: number): number {
  let low = 0;
  let high = jobs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((jobs[middle]?.order ?? 0) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
