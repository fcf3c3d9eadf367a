import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Secret } from 'kubernetes-models/v1/Secret';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { all, electsLeader, idOf, type Overlay, type Workload, workloads } from '../overlay.ts';
import type { Rule } from './rule.ts';

/** Besides the leader: it deletes pods. */
const CALLS_THE_API = new Set(['clusterplex-dfs-guard']);
/** linuxserver's init is root for a moment, a mounter has to be. */
const NOT_RESTRICTED = new Set(['clusterplex-pms', 'clusterplex-dfs-mount']);
const PLEX_IMAGE = 'clusterplex.io/plex-image';

export const security: readonly Rule[] = [
  {
    name: 'restricted',
    why: 'What runs ffmpeg on files from the internet should be able to do nothing else.',
    *check(overlay) {
      for (const workload of workloads(overlay)) {
        if (NOT_RESTRICTED.has(workload.name)) continue;
        for (const lack of unrestricted(workload)) yield `${workload.id} lacks ${lack}`;
      }
    },
  },
  {
    name: 'namespace-allows-its-pods',
    why: 'Pod Security refuses pods with hostPath or the network of the host, unless the namespace is privileged.',
    *check(overlay) {
      const levels = podSecurity(overlay);
      for (const { id, namespace, pod, containers } of workloads(overlay)) {
        const needs = [
          ...(pod.hostNetwork ? ['hostNetwork'] : []),
          ...(pod.volumes?.some(({ hostPath }) => hostPath) ? ['hostPath'] : []),
          ...(containers.some(({ securityContext }) => securityContext?.privileged) ? ['privileged'] : []),
        ];
        if (!levels.has(namespace)) yield `${id}: Namespace ${namespace} says nothing of Pod Security`;
        else if (needs.length > 0 && levels.get(namespace) !== 'privileged') {
          yield `${id} has ${needs.join(', ')}, which Namespace ${namespace} refuses`;
        }
      }
    },
  },
  {
    name: 'api-token-only-where-used',
    why: 'A token of the API server is worth stealing, and few need one.',
    *check(overlay) {
      for (const workload of workloads(overlay)) {
        const { id, pod } = workload;
        const needed = electsLeader(workload) || CALLS_THE_API.has(workload.name);
        if (pod.automountServiceAccountToken !== needed)
          yield `${id}: automountServiceAccountToken must be ${needed}`;
        if (!pod.serviceAccountName) yield `${id} has no account of its own`;
      }
      for (const account of all(overlay.objects, ServiceAccount.is)) {
        if (account.automountServiceAccountToken !== false)
          yield `${idOf(account)} mounts its token everywhere`;
      }
    },
  },
  {
    name: 'no-secret-in-git',
    why: 'What is in Git is known to all who may read it: secrets come by SOPS, or by hand.',
    ofParts: true,
    *check(overlay) {
      for (const secret of all(overlay.objects, Secret.is)) yield `${idOf(secret)} is in the open`;
      for (const { id, containers } of workloads(overlay)) {
        for (const { name, value } of containers.flatMap(({ env = [] }) => env)) {
          if (value && /(TOKEN|CLAIM|PASSWORD)$/.test(name)) yield `${id} has the value of ${name}`;
        }
      }
    },
  },
  {
    name: 'image-is-a-version',
    why: 'An image that changes under its tag updates a part by a restart, and not the others.',
    *check(overlay) {
      for (const { id, containers } of workloads(overlay)) {
        for (const { image = '' } of containers) {
          const pinned = /(:[^:/@]+|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest');
          if (!pinned) yield `${id} runs ${image || 'no image'}, which names no version`;
        }
      }
    },
  },
  {
    name: 'one-plex-build',
    why: 'Codecs are of one build: a worker with another than PMS has the wrong ones.',
    *check(overlay) {
      const parts = workloads(overlay).filter(({ containers }) => ofPlex(containers));
      const builds = parts.map(({ annotations, id }) => `${annotations[PLEX_IMAGE]} in ${id}`);
      // They are two images: of two digests nothing can be said, and the annotations have to do.
      const tags = parts.flatMap(({ containers }) => {
        const image = ofPlex(containers)?.image ?? '';
        return image.includes('@') ? [] : (/:([^/]*)$/.exec(image)?.[1] ?? []);
      });
      if (parts.some(({ annotations }) => !annotations[PLEX_IMAGE]))
        yield `${PLEX_IMAGE} is missing: ${builds.join(', ')}`;
      else if (new Set(parts.map(({ annotations }) => annotations[PLEX_IMAGE])).size > 1) {
        yield `${PLEX_IMAGE} differs: ${builds.join(', ')}`;
      } else if (new Set(tags).size > 1)
        yield `PMS and workers are of different versions: ${tags.join(', ')}`;
    },
  },
  {
    name: 'resources-and-probes',
    why: 'A pod without requests is the first to be thrown out; one without probes hangs unseen.',
    *check(overlay) {
      for (const { id, pod } of workloads(overlay)) {
        for (const { resources, readinessProbe, livenessProbe } of pod.containers) {
          if (!resources?.requests?.['cpu'] || !resources.requests['memory']) yield `${id} has no requests`;
          if (!resources?.limits?.['memory']) yield `${id} has no limit of memory`;
          if (pod.restartPolicy !== 'Never' && !(readinessProbe && livenessProbe))
            yield `${id} has no readinessProbe or no livenessProbe`;
        }
      }
    },
  },
];

function ofPlex(containers: Workload['containers']) {
  return containers.find(({ name }) => name === 'pms' || name === 'worker');
}

function* unrestricted({ pod, containers }: Workload): Generator<string> {
  if (!pod.securityContext?.runAsNonRoot) yield 'runAsNonRoot';
  if (pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault') yield 'seccompProfile RuntimeDefault';
  for (const { securityContext } of containers) {
    if (securityContext?.allowPrivilegeEscalation !== false) yield 'allowPrivilegeEscalation: false';
    if (!securityContext?.capabilities?.drop?.includes('ALL')) yield 'capabilities.drop: [ALL]';
    if (!securityContext?.readOnlyRootFilesystem) yield 'readOnlyRootFilesystem';
    if (securityContext?.privileged || securityContext?.capabilities?.add) yield 'nothing, but is given more';
  }
}

function podSecurity({ objects }: Overlay): Map<string, string> {
  const label = 'pod-security.kubernetes.io/enforce';
  return new Map(
    all(objects, Namespace.is).flatMap(({ metadata }): [string, string][] => {
      const level = metadata?.labels?.[label];
      return level ? [[metadata?.name ?? '', level]] : [];
    }),
  );
}
