import { isIP } from 'node:net';
import { basename, dirname } from 'node:path';
import { StorageClass } from 'kubernetes-models/storage.k8s.io/v1/StorageClass';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { PersistentVolume } from 'kubernetes-models/v1/PersistentVolume';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Service } from 'kubernetes-models/v1/Service';
import { mounts } from '#shared/storage/mounts.ts';
import { all, idOf, type Overlay, type Workload, workloads } from '../overlay.ts';
import type { Rule } from './rule.ts';

/** Which everybody binds, and each node has its mounts below: they come and go with a daemon or a server. */
const PARENT = '/mnt/clusterplex';
/** What mounts are called where nothing else is said. */
const MOUNTS = new Set(
  mounts('').absent.flatMap(({ path }) => (path.startsWith('/mnt/') ? [basename(path)] : [])),
);

export const storage: readonly Rule[] = [
  {
    name: 'nfs-server-is-an-address',
    why: "The node's resolver, which knows no Service, would look up a name: only an address works.",
    *check(overlay) {
      for (const { id, server } of nfsServers(overlay)) {
        if (!isIP(server)) yield `${id} mounts from "${server}", which is a name`;
      }
    },
  },
  {
    name: 'nfs-server-is-a-service',
    why: "A volume's server can't be changed later, so it must be a Service's fixed address, not a machine's.",
    *check(overlay) {
      const addresses = all(overlay.objects, Service.is).map(({ spec }) => spec?.clusterIP);
      for (const { id, server } of nfsServers(overlay)) {
        if (isIP(server) && !addresses.includes(server))
          yield `${id} mounts from ${server}, which no Service has`;
      }
    },
  },
  {
    name: 'host-path-is-the-parent',
    why: 'A container that binds a mount itself keeps the dead one when its daemon restarts; the directory above follows.',
    *check(overlay) {
      const dfs = all(overlay.objects, ConfigMap.is).flatMap(({ data }) => data?.['DFS_PATH'] ?? []);
      const parents = [PARENT, ...dfs.map(dirname)];
      for (const { id, path } of hostPaths(overlay)) {
        const bound = path.replace(/\/+$/, '');
        const isBelow = parents.some((parent) => bound.startsWith(`${parent}/`));
        if (isBelow || MOUNTS.has(basename(bound))) yield `${id} binds ${path}; take the directory above it`;
      }
    },
  },
  {
    name: 'dfs-is-below-its-volume',
    why: 'What dfs-probe looks at, and dfs-mount mounts, must be seen by others through the directory that all bind.',
    *check({ name, objects }) {
      const paths = new Set([...hostPaths({ name, objects })].map(({ path }) => path));
      for (const map of all(objects, ConfigMap.is)) {
        const path = map.data?.['DFS_PATH'];
        if (path !== undefined && !paths.has(dirname(path)))
          yield `${idOf(map)}: nobody binds the parent of ${path}`;
      }
    },
  },
  {
    name: 'host-path-follows-mounts',
    why: 'Without propagation a pod does not see what is mounted below its volume after its start.',
    *check(overlay) {
      for (const workload of workloads(overlay)) {
        const followed = hostVolumes(workload, overlay);
        for (const { volumeMounts = [] } of workload.containers) {
          for (const { name, mountPropagation = 'None' } of volumeMounts) {
            if (followed.has(name) && mountPropagation === 'None') {
              yield `${workload.id}: its volume ${name} has no mountPropagation`;
            }
          }
        }
      }
    },
  },
  {
    name: 'mounter-is-on-the-host-network',
    why: "An NFS mount is made from the mounter's network: from a pod's, exports refuse it, and it dies with the pod.",
    *check(overlay) {
      for (const { id, pod, containers } of workloads(overlay)) {
        const mounts = containers.some(({ volumeMounts = [] }) => {
          return volumeMounts.some(({ mountPropagation }) => mountPropagation === 'Bidirectional');
        });
        if (mounts && !pod.hostNetwork) yield `${id} mounts for its node without hostNetwork`;
      }
    },
  },
  {
    name: 'nfs-options-for-reading',
    why: 'soft is EIO, which ffmpeg takes for the end of the film; noac and softreval hide that a server is gone.',
    *check(overlay) {
      for (const { id, options } of readOptions(overlay)) {
        const given = options.split(',').map((option) => option.trim());
        for (const wanted of ['vers=4.2', 'ro', 'softerr', 'noresvport']) {
          if (!given.includes(wanted)) yield `${id}: ${options} lacks ${wanted}`;
        }
        for (const wrong of ['soft', 'noac', 'softreval']) {
          if (given.includes(wrong)) yield `${id}: ${options} has ${wrong}`;
        }
      }
    },
  },
  {
    name: 'nfs-options-for-segments',
    why: 'PMS sees segments late where attributes or missing names are cached; an option left out is the server’s to choose.',
    *check({ objects }) {
      const whole = ['vers', 'noresvport', 'softerr', 'timeo', 'retrans', 'actimeo', 'lookupcache'];
      for (const { metadata, parameters } of all(objects, StorageClass.is)) {
        const options = parameters?.['nfsOptions'];
        if (options === undefined) continue;
        const names = options.split(',').map((option) => option.split('=')[0]);
        for (const name of whole) {
          if (!names.includes(name)) yield `StorageClass ${metadata?.name}: nfsOptions lack ${name}`;
        }
        if (!options.includes('actimeo=1,') && !options.endsWith('actimeo=1')) {
          yield `StorageClass ${metadata?.name}: actimeo is not 1`;
        }
      }
    },
  },
  {
    name: 'same-paths',
    why: 'A command names paths of PMS: workers must have the same volumes at the same paths.',
    *check(overlay) {
      const [pms, worker] = ['pms', 'worker'].map((name) => {
        return workloads(overlay).find(({ containers }) => containers.some((one) => one.name === name));
      });
      if (!pms || !worker) return;
      for (const [path, claim] of claimsOf(pms)) {
        if (path === '/config') continue;
        const here = claimsOf(worker).get(path);
        if (here !== claim) yield `${path} is ${claim} in ${pms.id}, and ${here} in ${worker.id}`;
      }
    },
  },
  {
    name: 'shared-claim-is-for-many',
    why: 'A volume for one node keeps the pods that share it on that node, or Pending.',
    *check(overlay) {
      for (const claim of all(overlay.objects, PersistentVolumeClaim.is)) {
        if (!claim.spec?.accessModes?.includes('ReadWriteOnce')) continue;
        const users = workloads(overlay).filter(({ pod }) => {
          return pod.volumes?.some((one) => one.persistentVolumeClaim?.claimName === claim.metadata?.name);
        });
        const nodes = new Set(users.map(({ pod }) => JSON.stringify(requiredNodes(pod))));
        if (nodes.size > 1)
          yield `${idOf(claim)} is ReadWriteOnce, and used by ${users.map(({ id }) => id).join(', ')}`;
      }
    },
  },
];

function* nfsServers(overlay: Overlay) {
  for (const volume of all(overlay.objects, PersistentVolume.is)) {
    if (volume.spec?.nfs) yield { id: idOf(volume), server: volume.spec.nfs.server };
  }
  for (const { id, pod } of workloads(overlay)) {
    for (const { nfs } of pod.volumes ?? []) if (nfs) yield { id, server: nfs.server };
  }
}

function* hostPaths(overlay: Overlay) {
  for (const volume of all(overlay.objects, PersistentVolume.is)) {
    if (volume.spec?.hostPath) yield { id: idOf(volume), path: volume.spec.hostPath.path };
  }
  for (const { id, pod } of workloads(overlay)) {
    for (const { hostPath } of pod.volumes ?? []) if (hostPath) yield { id, path: hostPath.path };
  }
}

/** Names of a pod's volumes that are directories of the node, directly or through a claim. */
function hostVolumes({ pod, namespace }: Workload, { objects }: Overlay): Set<string> {
  const claims = all(objects, PersistentVolume.is).flatMap(({ spec }) => {
    return spec?.hostPath && spec.claimRef?.namespace === namespace ? [spec.claimRef.name] : [];
  });
  const found = (pod.volumes ?? []).filter(({ hostPath, persistentVolumeClaim }) => {
    return hostPath !== undefined || claims.includes(persistentVolumeClaim?.claimName);
  });
  return new Set(found.map(({ name }) => name));
}

function* readOptions({ objects }: Overlay) {
  for (const volume of all(objects, PersistentVolume.is)) {
    if (volume.spec?.nfs) yield { id: idOf(volume), options: (volume.spec.mountOptions ?? []).join(',') };
  }
  for (const map of all(objects, ConfigMap.is)) {
    const options = map.data?.['DFS_OPTIONS'];
    if (options !== undefined) yield { id: idOf(map), options };
  }
}

/** Which claim a part has where. */
function claimsOf({ pod, containers }: Workload): Map<string, string> {
  return new Map(
    containers.flatMap(({ volumeMounts = [] }) => {
      return volumeMounts.flatMap(({ name, mountPath }): [string, string][] => {
        const claim = pod.volumes?.find((volume) => volume.name === name)?.persistentVolumeClaim;
        return claim ? [[mountPath, claim.claimName]] : [];
      });
    }),
  );
}

function requiredNodes(pod: Workload['pod']): unknown {
  return pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? null;
}
