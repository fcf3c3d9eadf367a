import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import type { IPolicyRule } from 'kubernetes-models/rbac.authorization.k8s.io/v1/PolicyRule';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Service } from 'kubernetes-models/v1/Service';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { all, electsLeader, idOf, type Overlay, type Workload, workloads } from '../overlay.ts';
import type { Rule } from './rule.ts';

const ScaleSpec = Type.Object({
  groups: Type.Record(
    Type.String(),
    Type.Object({
      minimum: Type.Number(),
      maximum: Type.Number(),
      scalable: Type.Unknown(),
      apply: Type.Optional(Type.Object({ statefulSet: Type.String() })),
    }),
  ),
});
const TimeSlicing = Type.Object({
  sharing: Type.Object({
    timeSlicing: Type.Object({ resources: Type.Array(Type.Object({ replicas: Type.Number() })) }),
  }),
});

const NVIDIA = 'nvidia.com/gpu';
/** What device plugins call a GPU. */
const GPU = /^(nvidia\.com|amd\.com|gpu\.intel\.com)\//;
const MARGIN_S = 20;
const LONGEST_MARGIN_S = 120;

export const workers: readonly Rule[] = [
  {
    name: 'workers-may-share-a-node',
    why: 'With one GPU node, a required anti-affinity by host keeps every worker but the first Pending.',
    *check(overlay) {
      for (const { id, pod, containers } of workloads(overlay)) {
        if (!containers.some(({ name }) => name === 'worker')) continue;
        const terms = pod.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
        if (terms.some(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname')) {
          yield `${id} has a required anti-affinity by kubernetes.io/hostname`;
        }
      }
    },
  },
  {
    name: 'no-replicas-where-something-scales',
    why: 'Flux would set the number back to what Git says, whatever the scaler wants.',
    *check({ objects }) {
      for (const { id, kind, name } of scaled(objects)) {
        for (const object of objects) {
          if (!StatefulSet.is(object) && !Deployment.is(object)) continue;
          if (object.kind !== kind || object.metadata?.name !== name) continue;
          if (object.spec?.replicas !== undefined) yield `${idOf(object)} has replicas, which ${id} decides`;
        }
      }
    },
  },
  {
    name: 'one-scaler',
    why: 'The leader and KEDA would undo what the other does; with neither, nobody scales.',
    *check({ objects }) {
      const targets = scaled(objects).map(({ kind, name }) => `${kind}/${name}`);
      for (const target of new Set(targets)) {
        const scalers = targets.filter((one) => one === target).length;
        if (scalers > 1) yield `${target} is scaled by KEDA and by the leader's Role`;
      }
      const scaler = all(objects, ScaledObject.is).length > 0 ? 'infra' : 'local';
      const { scalable = scaler } = scaleSpec(objects) ?? {};
      if (scalable !== scaler) yield `the scale spec says scalable: ${scalable}, and it is ${scaler}`;
    },
  },
  {
    name: 'leader-may-scale',
    why: 'Where the leader scales, without the right to it there are never more workers than there were.',
    *check(overlay) {
      const { scalable, apply } = scaleSpec(overlay.objects) ?? {};
      const leader = workloads(overlay).find(electsLeader);
      if (scalable !== 'local' || !leader) return;
      const name = apply?.statefulSet;
      if (!name) yield 'the scale spec says scalable: local, and no apply.statefulSet';
      else {
        const given = rightsOf(leader, overlay).flatMap(({ resources, resourceNames, verbs }) => {
          const isIt = resources?.includes('statefulsets/scale') && (resourceNames?.includes(name) ?? true);
          return isIt ? verbs : [];
        });
        for (const verb of ['get', 'patch'])
          if (!given.includes(verb)) yield `no Role lets ${leader.id} ${verb} statefulsets/scale of ${name}`;
      }
    },
  },
  {
    name: 'scaler-beside-its-workers',
    why: 'A ScaledObject is not ready before what it scales is there: in a part that Flux waits for, it waits for ever.',
    ofParts: true,
    *check({ objects }) {
      for (const { metadata, spec } of all(objects, ScaledObject.is)) {
        const { kind = 'Deployment', name = '' } = spec?.scaleTargetRef ?? {};
        const found = objects.some((object) => object.kind === kind && object.metadata.name === name);
        if (!found)
          yield `ScaledObject ${metadata?.name} scales ${kind} ${name}, which is not in the same part`;
      }
    },
  },
  {
    name: 'scalers-agree',
    why: 'The scale spec is what the leader publishes; KEDA cuts off what lies outside of its own limits.',
    *check({ objects }) {
      const spec = scaleSpec(objects);
      for (const { metadata, spec: keda } of all(objects, ScaledObject.is)) {
        const [minimum, maximum] = [keda?.minReplicaCount, keda?.maxReplicaCount];
        if (spec && (minimum !== spec.minimum || maximum !== spec.maximum)) {
          yield `ScaledObject ${metadata?.name} has ${minimum} to ${maximum}, the scale spec ${spec.minimum} to ${spec.maximum}`;
        }
      }
    },
  },
  {
    name: 'gpu-has-room-for-all',
    why: 'A worker beyond the shares of the card stays Pending.',
    *check({ objects }) {
      const shares = timeSlices(objects);
      const maximum = scaleSpec(objects)?.maximum ?? 1;
      if (shares !== null && maximum > shares)
        yield `the scale spec allows ${maximum} workers, the card has ${shares} shares`;
    },
  },
  {
    name: 'gpu-has-its-runtime',
    why: 'k3s knows the runtime of NVIDIA, and does not take it unless asked; without `video` there is no NVENC.',
    *check(overlay) {
      for (const { id, pod, containers } of workloads(overlay)) {
        for (const { resources, env = [] } of containers) {
          if (resources?.limits?.[NVIDIA] === undefined) continue;
          if (!pod.runtimeClassName) yield `${id} asks for ${NVIDIA} without a runtimeClassName`;
          const capabilities = env.find(({ name }) => name === 'NVIDIA_DRIVER_CAPABILITIES')?.value ?? '';
          if (!capabilities.split(',').includes('video'))
            yield `${id}: NVIDIA_DRIVER_CAPABILITIES lacks video`;
        }
      }
    },
  },
  {
    name: 'gpu-is-used',
    why: 'PMS without a GPU writes software commands, which a worker leaves as they are unless HARDWARE_ADAPTATION is accelerate.',
    *check(overlay) {
      const there = workloads(overlay).flatMap(({ id, containers }) =>
        containers.map((container) => ({ id, ...container })),
      );
      const withGpu = there.filter(({ resources }) =>
        Object.keys(resources?.limits ?? {}).some((name) => GPU.test(name)),
      );
      // Then what it writes is for hardware already.
      if (withGpu.some(({ name }) => name === 'pms')) return;
      for (const { id, name, env = [] } of withGpu) {
        const adaptation = env.find((one) => one.name === 'HARDWARE_ADAPTATION')?.value;
        if (name === 'worker' && adaptation !== 'accelerate')
          yield `${id} has a GPU, and HARDWARE_ADAPTATION is ${adaptation ?? 'not set'}`;
      }
    },
  },
  {
    name: 'time-to-drain',
    why: 'What still runs when the time is up is killed; what waits longer keeps the ordinal from coming back.',
    *check(overlay) {
      for (const { id, pod, containers } of workloads(overlay)) {
        if (!containers.some(({ name }) => name === 'worker')) continue;
        const drain = containers
          .flatMap(({ env = [] }) => env)
          .find(({ name }) => name === 'DRAIN_TIMEOUT_MS');
        const needed = Number(drain?.value) / 1000;
        const given = pod.terminationGracePeriodSeconds ?? 30;
        if (!(given >= needed + MARGIN_S && given <= needed + LONGEST_MARGIN_S)) {
          yield `${id} has ${given} s to end, and may drain for ${needed} s (DRAIN_TIMEOUT_MS)`;
        }
      }
    },
  },
  {
    name: 'stateful-set-in-parallel',
    why: 'In order, one worker that is not ready keeps all others away; without its headless Service it has no names; volumes of codecs would stay for ever.',
    *check({ objects }) {
      for (const set of all(objects, StatefulSet.is)) {
        if (set.spec?.podManagementPolicy !== 'Parallel')
          yield `${idOf(set)}: podManagementPolicy is not Parallel`;
        const service = all(objects, Service.is).find(
          ({ metadata }) => metadata?.name === set.spec?.serviceName,
        );
        if (service?.spec?.clusterIP !== 'None')
          yield `${idOf(set)}: Service ${set.spec?.serviceName} is not headless`;
        if (
          set.spec?.volumeClaimTemplates &&
          set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted !== 'Delete'
        ) {
          yield `${idOf(set)}: persistentVolumeClaimRetentionPolicy.whenDeleted is not Delete`;
        }
      }
    },
  },
];

/** What KEDA scales, and what the leader has the right to. */
function scaled(objects: Overlay['objects']): { id: string; kind: string; name: string }[] {
  const byKeda = all(objects, ScaledObject.is).flatMap(({ metadata, spec }) => {
    const { kind = 'Deployment', name = '' } = spec?.scaleTargetRef ?? {};
    return [{ id: `ScaledObject ${metadata?.name}`, kind, name }];
  });
  const byLeader = all(objects, Role.is).flatMap((role) => {
    const rules = (role.rules ?? []).filter(({ resources }) => resources?.includes('statefulsets/scale'));
    return rules.flatMap(({ resourceNames = [] }) => {
      return resourceNames.map((name) => ({ id: idOf(role), kind: 'StatefulSet', name }));
    });
  });
  return [...byKeda, ...byLeader];
}

/** What Roles allow that are bound to the account of these pods. */
function rightsOf({ namespace, pod }: Workload, { objects }: Overlay): IPolicyRule[] {
  const bound = all(objects, RoleBinding.is).filter(({ metadata, subjects = [] }) => {
    const isOwn = subjects.some(
      (one) => one.kind === 'ServiceAccount' && one.name === pod.serviceAccountName,
    );
    return metadata?.namespace === namespace && isOwn;
  });
  return all(objects, Role.is)
    .filter(({ metadata }) => metadata?.namespace === namespace)
    .filter(({ metadata }) => bound.some(({ roleRef }) => roleRef.name === metadata?.name))
    .flatMap(({ rules = [] }) => rules);
}

function scaleSpec(objects: Overlay['objects']): Static<typeof ScaleSpec>['groups'][string] | null {
  for (const { data } of all(objects, ConfigMap.is)) {
    const spec: unknown = parse(data?.['scale.yaml'] ?? '');
    if (Value.Check(ScaleSpec, spec)) return Object.values(spec.groups)[0] ?? null;
  }
  return null;
}

function timeSlices(objects: Overlay['objects']): number | null {
  for (const { data = {} } of all(objects, ConfigMap.is)) {
    for (const text of Object.values(data).filter((value) => value.includes('timeSlicing'))) {
      const config: unknown = parse(text);
      if (Value.Check(TimeSlicing, config)) return config.sharing.timeSlicing.resources[0]?.replicas ?? null;
    }
  }
  return null;
}
