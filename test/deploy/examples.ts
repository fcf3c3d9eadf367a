import {
  deployment,
  env,
  hostVolume,
  ingress,
  nfsVolume,
  object,
  podMonitor,
  policy,
  role,
  service,
  serviceMonitor,
  storageClass,
  workload,
} from './objects.ts';

type Objects = ReadonlyArray<Readonly<Record<string, unknown>>>;

/** For a rule: what it refuses, and nearly the same, which it takes. */
export interface Example {
  readonly bad: Objects;
  readonly good: Objects;
}

const uses = (...names: string[]) => {
  return { pod: { volumes: names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })) } };
};
const data = (name: string, values: object) => object('ConfigMap', name, { data: values });
const scaleSpec = (scalable: string, maximum: number) =>
  data('scale', {
    'scale.yaml': `groups: { default: { scalable: ${scalable}, minimum: 1, maximum: ${maximum} } }`,
  });
const scaledObject = (name: string, maxReplicaCount = 2) =>
  object('ScaledObject', name, {
    spec: { scaleTargetRef: { kind: 'StatefulSet', name }, minReplicaCount: 1, maxReplicaCount },
  });
export const referenceExamples: Readonly<Record<string, Example>> = {
  'selector-is-of-the-template': {
    bad: [deployment('a', { spec: { selector: { matchLabels: { app: 'b' } } } })],
    good: [deployment('a', {})],
  },
  'selector-finds-pods': {
    bad: [deployment('a', {}), service('a', { selector: { app: 'b' } })],
    good: [deployment('a', {}), service('a', { selector: { app: 'a', 'clusterplex.io/role': 'leader' } })],
  },
  'port-name-exists': {
    bad: [
      deployment('a', { container: { ports: [{ name: 'http' }] } }),
      service('a', { selector: { app: 'a' }, ports: [{ targetPort: 'htpp' }] }),
    ],
    good: [
      deployment('a', { container: { ports: [{ name: 'http' }] } }),
      service('a', { selector: { app: 'a' }, ports: [{ targetPort: 'http' }] }),
    ],
  },
  'reference-resolves': {
    bad: [deployment('a', uses('transcode'))],
    good: [deployment('a', uses('transcode')), object('PersistentVolumeClaim', 'transcode')],
  },
  'monitor-finds-a-port': {
    bad: [serviceMonitor('http'), service('a', { ports: [{ name: 'web' }] })],
    good: [serviceMonitor('http'), service('a', { ports: [{ name: 'http' }] })],
  },
  'every-part-is-scraped': {
    bad: [...alerted(), podMonitor({ matchLabels: { app: 'a', 'clusterplex.io/role': 'leader' } })],
    good: [
      ...alerted(),
      podMonitor({ matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] }),
    ],
  },
  'ingress-names-a-port': {
    bad: [ingress(81), service('a', { ports: [{ port: 80 }] })],
    good: [ingress(80), service('a', { ports: [{ port: 80 }] })],
  },
  'no-service-links': {
    bad: [deployment('a', {})],
    good: [deployment('a', { pod: { enableServiceLinks: false } })],
  },
  'service-sets-no-setting': {
    bad: [service('pms', {})],
    good: [service('clusterplex-pms', {})],
  },
  'env-is-a-setting': {
    bad: [deployment('a', env('ORCHESTRATOR_URI', ''))],
    good: [deployment('a', env('ORCHESTRATOR_URL', ''))],
  },
  'network-policy-for-every-pod': {
    bad: [deployment('a', {}), policy(['Ingress', 'Egress']), policy(['Ingress'], 'a')],
    good: [deployment('a', {}), policy(['Ingress', 'Egress'], 'a')],
  },
  'traefik-entry-points': { bad: [ingress(80, 'https')], good: [ingress(80, 'web,websecure')] },
};

export const storageExamples: Readonly<Record<string, Example>> = {
  'nfs-server-is-an-address': { bad: [nfsVolume('dfs.media.svc')], good: [nfsVolume('10.43.200.49')] },
  'nfs-server-is-a-service': {
    bad: [nfsVolume('192.168.1.12')],
    good: [nfsVolume('10.43.200.49'), service('dfs', { clusterIP: '10.43.200.49' })],
  },
  'host-path-is-the-parent': {
    bad: [hostVolume('/mnt/dfs')],
    good: [hostVolume('/mnt/clusterplex')],
  },
  'dfs-is-below-its-volume': {
    bad: [data('dfs', { DFS_PATH: '/srv/dfs' }), hostVolume('/mnt/clusterplex')],
    good: [data('dfs', { DFS_PATH: '/mnt/clusterplex/dfs' }), hostVolume('/mnt/clusterplex')],
  },
  'host-path-follows-mounts': {
    bad: [mounting('None'), hostVolume('/mnt/clusterplex')],
    good: [mounting('HostToContainer'), hostVolume('/mnt/clusterplex')],
  },
  'mounter-is-on-the-host-network': {
    bad: [mounting('Bidirectional')],
    good: [mounting('Bidirectional', { hostNetwork: true })],
  },
  'nfs-options-for-reading': {
    bad: [nfsVolume('10.43.200.49', 'vers=4.2,ro,soft,noresvport,noac')],
    good: [nfsVolume('10.43.200.49', 'vers=4.2,ro,softerr,noresvport')],
  },
  'nfs-options-for-segments': {
    bad: [storageClass('vers=4.1,noresvport,softerr,timeo=100,retrans=3')],
    good: [storageClass('vers=4.1,noresvport,softerr,timeo=100,retrans=3,actimeo=1,lookupcache=positive')],
  },
  'storage-class-is-there': {
    bad: [claim('ReadWriteMany', 'long-horn')],
    good: [claim('ReadWriteMany', 'longhorn'), claim('ReadWriteMany', 'a'), longhorn({})],
  },
  'longhorn-parameter-is-known': {
    bad: [longhorn({ numberOfReplica: '1' })],
    good: [longhorn({ numberOfReplicas: '1', 'csi.storage.k8s.io/fstype': 'xfs' })],
  },
  'same-paths': {
    bad: [sharing('pms', '/transcode'), sharing('worker', '/tmp/transcode')],
    good: [sharing('pms', '/transcode'), sharing('worker', '/transcode')],
  },
  'shared-claim-is-for-many': {
    bad: [claim('ReadWriteOnce'), onNode('w1'), onNode('w3')],
    good: [claim('ReadWriteMany'), onNode('w1'), onNode('w3')],
  },
};

const restricted = {
  pod: { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } },
  container: {
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    },
  },
};
const level = (enforce: string) =>
  object('Namespace', 'media', { metadata: { labels: { 'pod-security.kubernetes.io/enforce': enforce } } });
/** One of the two parts, and the image of Plex that it says it was built on. */
export const ofPlex = (name: string, plex: string, image = `registry:5000/${name}:1`) =>
  deployment(name, {
    container: { name, image },
    template: { annotations: { 'clusterplex.io/plex-image': plex } },
  });
const digest = (digit: string) => `registry:5000/a@sha256:${digit.repeat(64)}`;

export const securityExamples: Readonly<Record<string, Example>> = {
  restricted: {
    bad: [deployment('a', { ...restricted, container: { securityContext: { privileged: true } } })],
    good: [deployment('a', restricted)],
  },
  'namespace-allows-its-pods': {
    bad: [level('baseline'), deployment('a', { pod: { hostNetwork: true } })],
    good: [level('privileged'), deployment('a', { pod: { hostNetwork: true } })],
  },
  'api-token-only-where-used': {
    bad: [deployment('a', { pod: { serviceAccountName: 'a' } })],
    good: [deployment('a', { pod: { serviceAccountName: 'a', automountServiceAccountToken: false } })],
  },
  'no-secret-in-git': {
    bad: [deployment('a', env('CLUSTERPLEX_TOKEN', 'x'))],
    good: [deployment('a', env('CLUSTERPLEX_TOKEN_FILE', '/etc/token'))],
  },
  'image-is-a-version': {
    bad: [deployment('a', { container: { image: 'ghcr.io/a/b:latest' } })],
    good: [deployment('a', { container: { image: `ghcr.io/a/b@sha256:${'0'.repeat(64)}` } })],
  },
  'one-plex-build': {
    bad: [ofPlex('pms', 'plex:1.42'), ofPlex('worker', 'plex:1.43')],
    good: [ofPlex('pms', 'plex:1.42', digest('0')), ofPlex('worker', 'plex:1.42', digest('1'))],
  },
  'resources-and-probes': {
    bad: [deployment('a', { container: { livenessProbe: {}, readinessProbe: {} } })],
    good: [
      deployment('a', {
        container: {
          ...{ livenessProbe: {}, readinessProbe: {} },
          resources: { requests: { cpu: 1, memory: 1 }, limits: { memory: 1 } },
        },
      }),
    ],
  },
};

const antiAffinity = (how: string) => ({
  pod: { affinity: { podAntiAffinity: { [how]: [{ topologyKey: 'kubernetes.io/hostname' }] } } },
  container: { name: 'worker' },
});
const graceful = (terminationGracePeriodSeconds: number) => ({
  pod: { terminationGracePeriodSeconds },
  container: { name: 'worker', ...env('DRAIN_TIMEOUT_MS', '600000').container },
});
const gpu = (pod: object, capabilities: string) =>
  workload('StatefulSet', 'w', {
    pod: { ...pod },
    container: {
      resources: { limits: { 'nvidia.com/gpu': 1 } },
      ...env('NVIDIA_DRIVER_CAPABILITIES', capabilities).container,
    },
  });
const withGpu = (resource: string, adaptation: string) =>
  workload('StatefulSet', 'w', {
    container: {
      ...{ name: 'worker', resources: { limits: { [resource]: 1 } } },
      ...env('HARDWARE_ADAPTATION', adaptation).container,
    },
  });
const slices = data('slices', { default: 'sharing: { timeSlicing: { resources: [{ replicas: 4 }] } }' });
const set = (spec: Readonly<Record<string, unknown>>) => workload('StatefulSet', 'w', { spec });

export const workerExamples: Readonly<Record<string, Example>> = {
  'workers-may-share-a-node': {
    bad: [workload('StatefulSet', 'w', antiAffinity('requiredDuringSchedulingIgnoredDuringExecution'))],
    good: [workload('StatefulSet', 'w', antiAffinity('preferredDuringSchedulingIgnoredDuringExecution'))],
  },
  'no-replicas-where-something-scales': {
    bad: [set({ replicas: 2 }), scaledObject('w')],
    good: [set({}), scaledObject('w')],
  },
  'one-scaler': {
    bad: [scaledObject('w'), role('leader', ['statefulsets/scale'], ['patch'], ['w'])],
    good: [scaledObject('w'), scaleSpec('infra', 2)],
  },
  'scaler-beside-its-workers': { bad: [scaledObject('w')], good: [scaledObject('w'), set({})] },
  'scalers-agree': {
    bad: [scaledObject('w', 2), scaleSpec('infra', 4)],
    good: [scaledObject('w', 4), scaleSpec('infra', 4)],
  },
  'gpu-has-room-for-all': { bad: [slices, scaleSpec('local', 5)], good: [slices, scaleSpec('local', 4)] },
  'gpu-has-its-runtime': {
    bad: [gpu({}, 'compute,utility')],
    good: [gpu({ runtimeClassName: 'nvidia' }, 'compute,video,utility')],
  },
  'gpu-is-used': {
    bad: [withGpu('gpu.intel.com/i915', 'translate')],
    good: [withGpu('gpu.intel.com/i915', 'accelerate')],
  },
  'time-to-drain': {
    bad: [workload('StatefulSet', 'w', graceful(30))],
    good: [workload('StatefulSet', 'w', graceful(630))],
  },
  'stateful-set-in-parallel': {
    bad: [set({ serviceName: 'w' }), service('w', { clusterIP: 'None' })],
    good: [set({ serviceName: 'w', podManagementPolicy: 'Parallel' }), service('w', { clusterIP: 'None' })],
  },
};

/** An orchestrator, and alerts. */
function alerted() {
  const container = { name: 'orchestrator', ports: [{ name: 'http' }] };
  return [deployment('a', { container }), object('PrometheusRule', 'a', { spec: {} })];
}

function mounting(mountPropagation: string, pod = {}) {
  const { volumes } = uses('media').pod;
  const volumeMounts = [{ name: 'media', mountPath: '/mnt', mountPropagation }];
  return deployment('a', { pod: { volumes, ...pod }, container: { volumeMounts } });
}

function sharing(name: string, mountPath: string) {
  const volumeMounts = [
    { name: 'transcode', mountPath },
    { name: 'media', mountPath: '/mnt' },
  ];
  return deployment(name, { ...uses('transcode', 'media'), container: { name, volumeMounts } });
}

function claim(mode: string, storageClassName?: string) {
  return object('PersistentVolumeClaim', 'transcode', { spec: { accessModes: [mode], storageClassName } });
}

function longhorn(parameters: object) {
  return object('StorageClass', 'a', { provisioner: 'driver.longhorn.io', parameters });
}

function onNode(name: string) {
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: [{ name }] };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution } };
  return deployment(name, { pod: { ...uses('transcode').pod, affinity } });
}
