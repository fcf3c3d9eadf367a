import type { ScaleGroupView, ScaleView } from '#shared/api/schemas.ts';
import { isToGo } from '../core/drain.ts';
import { isServing } from '../core/ordinals.ts';
import type { Decision, ScaleGroup } from '../core/scaleGroup.ts';

export interface GroupFacts {
  readonly group: ScaleGroup;
  readonly decision: Decision;
  readonly setBy: ScaleGroupView['setBy'];
  readonly problem: string | null;
}

/** @param time of a moment of the core's clock, as people write it */
export function groupView(
  { group, decision, setBy, problem }: GroupFacts,
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
    deviation: members.length - decision.desired,
    ready: members.filter((worker) => isServing(worker) && worker.leavingSince === null).length,
    draining: members.filter((worker) => worker.draining || isToGo(worker)).length,
    ...{ bursts, reason: decision.reason, setBy, problem },
  };
}

export function scaleView(groups: ScaleGroupView[], problem: string | null): ScaleView {
  const sum = (field: 'minimum' | 'maximum' | 'desired' | 'current' | 'deviation'): number =>
    groups.reduce((total, group) => total + group[field], 0);
  const desired = sum('desired');
  return {
    ...{ minimum: sum('minimum'), maximum: sum('maximum'), desired, desiredWorkers: desired },
    ...{ current: sum('current'), deviation: sum('deviation') },
    bursts: groups.flatMap(({ bursts }) => bursts),
    ...{ groups, problem },
  };
}
