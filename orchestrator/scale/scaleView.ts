import type { ScaleGroupView, ScaleView } from '#shared/api/schemas.ts';
import { isToGo } from '../core/drain.ts';
import { nextReplicas, replicasSeen, takesJobs } from '../core/ordinals.ts';
import type { Decision, ScaleGroup } from '../core/scaleGroup.ts';

export interface GroupFacts {
  readonly group: ScaleGroup;
  readonly decision: Decision;
  /** How few replicas leave nobody out who is to stay. */
  readonly kept: number;
  readonly setBy: ScaleGroupView['setBy'];
  readonly problem: string | null;
}

/** @param time of a moment of the core's clock, as people write it */
export function groupView(
  { group, decision, kept, setBy, problem }: GroupFacts,
  now: number,
  time: (moment: number) => string,
): ScaleGroupView {
  const { name, members, spec } = group;
  const bursts = group.activeBursts(now).map(({ workers, until }) => {
    return { group: name, workers, until: time(until) };
  });
  return {
    ...{ name, scalable: spec.scalable, minimum: spec.minimum, maximum: spec.maximum },
    ...{ desired: decision.desired, current: members.length },
    deviation: deviationOf(members.length - decision.desired, setBy, bursts.length > 0),
    desiredWorkers: nextReplicas(replicasSeen(members, spec.maximum), decision.desired, kept),
    ready: members.filter(takesJobs).length,
    draining: members.filter((worker) => worker.draining || isToGo(worker)).length,
    ...{ bursts, reason: decision.reason, setBy, problem },
  };
}

/** Nobody can have too many of what nobody asked for; a burst asks for some, and for no more than these. */
function deviationOf(difference: number, setBy: ScaleGroupView['setBy'], isBurst: boolean): number {
  if (setBy !== null) return difference;
  return isBurst ? Math.min(0, difference) : 0;
}

export function scaleView(groups: ScaleGroupView[], problem: string | null): ScaleView {
  const sum = (
    field: 'minimum' | 'maximum' | 'desired' | 'desiredWorkers' | 'current' | 'deviation',
  ): number => groups.reduce((total, group) => total + group[field], 0);
  return {
    ...{ minimum: sum('minimum'), maximum: sum('maximum'), desired: sum('desired') },
    desiredWorkers: sum('desiredWorkers'),
    ...{ current: sum('current'), deviation: sum('deviation') },
    bursts: groups.flatMap(({ bursts }) => bursts),
    ...{ groups, problem },
  };
}
