import type { Cluster } from './cluster.ts';
import { isFeasible, whyNotEligible } from './feasible.ts';
import type { Job } from './model.ts';
import { ScaleGroup } from './scaleGroup.ts';
import { type GroupSpec, UNSPECIFIED } from './scaleSpec.ts';

/** How many workers there should be: all groups, those of the spec first, in its order. */
export class Scale {
  #groups = new Map<string, ScaleGroup>();
  #specs: ReadonlyMap<string, GroupSpec> = new Map();

  get groups(): ReadonlyMap<string, ScaleGroup> {
    return this.#groups;
  }

  /** What there is of a group stays: its bursts, and what its jobs needed. */
  specify(specs: ReadonlyMap<string, GroupSpec>, now: number): void {
    const before = this.#groups;
    this.#specs = specs;
    this.#groups = new Map();
    for (const [name, spec] of specs) {
      this.#groups.set(name, before.get(name) ?? new ScaleGroup(name, spec, now));
      this.group(name, now).specify(spec);
    }
    for (const [name, group] of before) {
      if (specs.has(name) || group.members.length === 0) continue;
      group.specify(UNSPECIFIED);
      this.#groups.set(name, group);
    }
  }

  /** Made when it is not known yet. */
  group(name: string, now: number): ScaleGroup {
    const group = this.#groups.get(name) ?? new ScaleGroup(name, UNSPECIFIED, now);
    this.#groups.set(name, group);
    return group;
  }

  /** Looks at all workers, and at the jobs that wait for one. */
  look({ workers, waiting, isHeld }: Pick<Cluster, 'workers' | 'waiting' | 'isHeld'>, now: number): void {
    const members = Map.groupBy(workers.values(), ({ group }) => group);
    for (const name of members.keys()) this.group(name, now);
    for (const [name, group] of this.#groups) {
      group.look(members.get(name) ?? [], isHeld, now);
      if (!this.#specs.has(name) && group.isOfNoInterest(now)) this.#groups.delete(name);
    }
    for (const { jobs } of waiting) this.#share(jobs);
  }

  /** A job found no worker and is run elsewhere. */
  miss(job: Job, now: number): void {
    const groups = this.#groupsFor(job);
    (groups.find(({ room }) => room > 0) ?? groups[0])?.miss(now);
  }

  /** Each group gets what it could hold at most; what is too much for all is asked of the first. */
  #share(jobs: readonly Job[]): void {
    const [job] = jobs;
    if (!job) return;
    let left = jobs.length;
    const groups = this.#groupsFor(job);
    for (const group of groups) {
      const some = Math.min(left, group.room);
      group.wait(some, (worker) => isFeasible(worker, job));
      left -= some;
    }
    groups[0]?.wait(left, () => false);
  }

  /** Where more workers would help: those that could take the job, or where nobody knows as there are none. */
  #groupsFor(job: Job): ScaleGroup[] {
    const possible = [...this.#groups.values()].filter(({ spec }) => spec.maximum > 0);
    return [
      ...possible.filter(({ members }) => members.some((worker) => whyNotEligible(worker, job) === null)),
      ...possible.filter(({ members }) => members.length === 0),
    ];
  }
}
