import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { validationProblem } from '../api/validation.ts';
import type { GroupSpec } from '../core/scaleSpec.ts';

/** A StatefulSet whose replicas are a group's workers; the namespace is the orchestrator's own where it names none. */
export interface Application {
  readonly statefulSet: string;
  readonly namespace?: string;
}

export interface SpecifiedGroup {
  readonly spec: GroupSpec;
  readonly apply: Application | null;
}

const strict = { additionalProperties: false };
const Workers = Type.Integer({ minimum: 0, maximum: 10_000 });
const ObjectName = Type.String({ pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$' });

const Group = Type.Object(
  {
    scalable: Type.Union([Type.Literal('local'), Type.Literal('infra'), Type.Literal(false)]),
    minimum: Type.Optional(Workers),
    maximum: Workers,
    desired: Type.Optional(Workers),
    warm: Type.Optional(Workers),
    idleMinutes: Type.Optional(Type.Number({ minimum: 0, maximum: 10_080 })),
    stabilisationSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
    apply: Type.Optional(
      Type.Object({ statefulSet: ObjectName, namespace: Type.Optional(ObjectName) }, strict),
    ),
  },
  strict,
);

const File = Type.Object({ groups: Type.Record(Type.String(), Group) }, strict);
const file = Compile(File);

/** @throws Error with all that is wrong, and where */
export function readSpec(text: string): ReadonlyMap<string, SpecifiedGroup> {
  const given: unknown = parse(text);
  if (!file.Check(given)) throw validationProblem(file.Errors(given), 'file');
  const problems: string[] = [];
  const groups = Object.entries(given.groups).map(([name, group]): [string, SpecifiedGroup] => {
    const { scalable, minimum = 0, maximum, desired = minimum, warm = 0, apply = null } = group;
    const { idleMinutes = 30, stabilisationSeconds = 300 } = group;
    const wrong = (problem: string): void => void problems.push(`groups.${name}: ${problem}`);
    if (name.length < 1 || name.length > 63) wrong('a name has 1 to 63 characters');
    if (minimum > maximum) wrong(`minimum ${minimum} is more than maximum ${maximum}`);
    if (desired > maximum) wrong(`desired ${desired} is more than maximum ${maximum}`);
    if (desired < minimum) wrong(`desired ${desired} is less than minimum ${minimum}`);
    if (warm > maximum) wrong(`warm ${warm} is more than maximum ${maximum}`);
    if (scalable === 'local' && !apply) wrong('scalable: local needs apply.statefulSet, which is scaled');
    if (scalable !== 'local' && apply) wrong('apply goes with scalable: local');
    const times = { idleMs: idleMinutes * 60_000, stabilisationMs: stabilisationSeconds * 1_000 };
    return [name, { spec: { scalable, minimum, maximum, desired, warm, ...times }, apply }];
  });
  const sets = groups.flatMap(([name, { apply }]) => (apply ? [{ name, ...apply }] : []));
  for (const [index, { name, statefulSet, namespace }] of sets.entries()) {
    const other = sets.slice(0, index).find((one) => {
      // Where one names none, it may be the same.
      const isElsewhere = one.namespace && namespace && one.namespace !== namespace;
      return one.statefulSet === statefulSet && !isElsewhere;
    });
    if (!other) continue;
    const remedy = other.namespace === namespace ? '' : ', unless both name their namespaces';
    problems.push(`groups.${name}: StatefulSet ${statefulSet} is that of groups.${other.name}${remedy}`);
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
  return new Map(groups);
}
