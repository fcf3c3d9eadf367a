import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSpec } from '../../../../orchestrator/scale/spec.ts';

const example = readFileSync(new URL('../../../../deploy/scale.yaml', import.meta.url), 'utf8');

test('the example is read as it is meant', () => {
  expect([...readSpec(example)]).toEqual([
    [
      'default',
      {
        spec: {
          ...{ scalable: 'local', minimum: 0, maximum: 4, desired: 0, warm: 1 },
          ...{ idleMs: 7_200_000, stabilisationMs: 300_000 },
        },
        apply: { statefulSet: 'clusterplex-worker' },
      },
    ],
  ]);
});

test('JSON does as well, and what is left out has a default', () => {
  const { spec, apply } =
    readSpec('{"groups": {"gpu": {"scalable": false, "minimum": 2, "maximum": 3}}}').get('gpu') ?? {};
  expect(spec).toEqual({
    ...{ scalable: false, minimum: 2, maximum: 3, desired: 2, warm: 0 },
    ...{ idleMs: 1_800_000, stabilisationMs: 300_000 },
  });
  expect(apply).toBeNull();
});

const APPLY = 'apply: {statefulSet: w}';
const ELSEWHERE = 'apply: {statefulSet: w, namespace: n}';

test.each([
  ['', 'the file must be object'],
  ['groups: [', /at line 1, column/],
  ['groups: {a: {scalable: maybe, maximum: 2}}', 'groups.a.scalable must be one of local, infra, false'],
  ['groups: {a: {scalable: false}}', /^groups.a must have required properties maximum/],
  ['groups: {a: {scalable: false, maximum: 2, max: 1}}', 'unknown field groups.a.max'],
  ['groups: {a: {scalable: false, maximum: -1}}', 'groups.a.maximum must be >= 0'],
  ['groups: {a: {scalable: false, maximum: two}}', 'groups.a.maximum must be integer'],
  [
    'groups: {a: {scalable: false, minimum: 3, maximum: 2}}',
    'groups.a: minimum 3 is more than maximum 2; groups.a: desired 3 is more than maximum 2',
  ],
  [
    'groups: {a: {scalable: false, minimum: 2, desired: 1, maximum: 2}}',
    'groups.a: desired 1 is less than minimum 2',
  ],
  ['groups: {a: {scalable: false, warm: 3, maximum: 2}}', 'groups.a: warm 3 is more than maximum 2'],
  [
    'groups: {a: {scalable: local, maximum: 2}}',
    'groups.a: scalable: local needs apply.statefulSet, which is scaled',
  ],
  [`groups: {a: {scalable: infra, maximum: 2, ${APPLY}}}`, 'groups.a: apply goes with scalable: local'],
  [
    `groups: {a: {scalable: local, maximum: 2, ${APPLY}}, b: {scalable: local, maximum: 2, ${APPLY}}}`,
    'groups.b: StatefulSet w is that of groups.a',
  ],
  [
    `groups: {a: {scalable: local, maximum: 2, ${APPLY}}, b: {scalable: local, maximum: 2, ${ELSEWHERE}}}`,
    'groups.b: StatefulSet w is that of groups.a, unless both name their namespaces',
  ],
  [`groups: {${'a'.repeat(64)}: {scalable: false, maximum: 2}}`, 'a name has 1 to 63 characters'],
  ['groups: {"": {scalable: false, maximum: 2}}', 'groups.: a name has 1 to 63 characters'],
  [
    'groups: {a: {scalable: local, maximum: 2, apply: {statefulSet: ../x}}}',
    /^groups.a.apply.statefulSet must match pattern/,
  ],
])('%s: %s', (text, problem) => {
  expect(() => readSpec(text)).toThrow(problem);
});
