import { type Example, ofPlex } from './examples.ts';
import { hostVolume, object, policy, workload } from './objects.ts';

const orchestrator = workload('Deployment', 'o', {
  container: { name: 'orchestrator', ports: [{ name: 'http', containerPort: 3500 }] },
});
const pms = (service: string) =>
  workload('Deployment', 'p', {
    container: {
      name: 'pms',
      ports: [{ name: 'relay', containerPort: 32499 }],
      env: [
        { name: 'ORCHESTRATOR_URL', value: 'http://o:3500' },
        { name: 'PMS_SERVICE', value: service },
      ],
    },
  });
const worker = (url: string) =>
  workload('StatefulSet', 'w', {
    container: { name: 'worker', env: [{ name: 'ORCHESTRATOR_URL', value: url }] },
  });
const service = (name: string, port: number, targetPort: string) =>
  object('Service', name, { spec: { selector: { app: name }, ports: [{ port, targetPort }] } });
const scaler = (url: string) => object('ScaledObject', 's', { spec: { triggers: [{ metadata: { url } }] } });
const scalerWith = (name: string) =>
  object('ScaledObject', 's', { spec: { triggers: [{ metadata: {}, authenticationRef: { name } }] } });
const parts = [orchestrator, service('o', 3500, 'http'), service('p', 32499, 'relay')];

const to = (app: string, port: number | string) => ({
  to: [{ podSelector: { matchLabels: { app } } }],
  ports: [{ port }],
});
const from = (apps: string[], port: number | string) => ({
  from: apps.map((app) => ({ podSelector: { matchLabels: { app } } })),
  ports: [{ port }],
});
const all = [...parts, pms('p'), worker('http://o:3500'), policy(['Ingress', 'Egress'])];
const policies = {
  o: policy(['Ingress'], 'o', { ingress: [from(['p', 'w'], 'http')] }),
  p: policy(['Ingress', 'Egress'], 'p', { ingress: [from(['w'], 'relay')], egress: [{}] }),
  w: policy(['Egress'], 'w', { egress: [to('o', 3500), to('p', 'relay')] }),
};

const tracing = (value: string) =>
  workload('StatefulSet', 'w', { container: { env: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value }] } });
const inMonitoring = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } };
const toInternet = {
  to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['192.168.0.0/16'] } }],
  ports: [{ port: 443 }],
};

const reading = (file: string, items?: object[]) =>
  workload('Deployment', 'a', {
    pod: { volumes: [{ name: 'token', secret: { secretName: 'clusterplex-token', items } }] },
    container: {
      env: [{ name: 'CLUSTERPLEX_TOKEN_FILE', value: file }],
      volumeMounts: [{ name: 'token', mountPath: '/etc/token' }],
    },
  });
const listening = (port: string) =>
  workload('Deployment', 'a', {
    container: { env: [{ name: 'LISTENING_PORT', value: port }], ports: [{ containerPort: 3500 }] },
  });
const ofVersion = (value: string) =>
  workload('Deployment', 'p', { container: { name: 'pms', env: [{ name: 'VERSION', value }] } });
const probed = (kind: string, path: string) =>
  workload('Deployment', 'a', { container: { [kind]: { httpGet: { path } } } });

const mayScale = (verbs: string[], statefulSet = 'w') => [
  workload('Deployment', 'o', {
    pod: { serviceAccountName: 'o' },
    container: { env: [{ name: 'LEADER_ELECTION', value: 'lease' }] },
  }),
  object('RoleBinding', 'o', {
    roleRef: { kind: 'Role', name: 'o' },
    subjects: [{ kind: 'ServiceAccount', name: 'o' }],
  }),
  object('Role', 'o', { rules: [{ resources: ['statefulsets/scale'], resourceNames: ['w'], verbs }] }),
  object('ConfigMap', 'scale', {
    data: {
      'scale.yaml': JSON.stringify({
        groups: { default: { scalable: 'local', minimum: 1, maximum: 2, apply: { statefulSet } } },
      }),
    },
  }),
];

export const connectionExamples: Readonly<Record<string, Example>> = {
  'address-is-a-service': {
    bad: [...parts, worker('http://o:3501')],
    good: [
      ...parts,
      pms('p'),
      worker('http://o.media.svc.cluster.local:3500'),
      scaler('http://o.media:3500/a'),
    ],
  },
  'policies-let-parts-through': {
    bad: [...all, policies.o, policies.p],
    good: [...all, ...Object.values(policies)],
  },
  'policies-let-addresses-out': {
    bad: [tracing('http://otel.monitoring:4318'), policy(['Egress'], 'w', { egress: [to('o', 3500)] })],
    good: [
      tracing('http://otel.monitoring:4318'),
      policy(['Egress'], 'w', { egress: [to('o', 3500)] }),
      object('NetworkPolicy', 'more', {
        spec: {
          podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['o', 'w'] }] },
          policyTypes: ['Egress'],
          egress: [{ to: [inMonitoring], ports: [{ port: 4318 }] }],
        },
      }),
    ],
  },
  'file-is-in-its-secret': { bad: [reading('/etc/token/tokn')], good: [reading('/etc/token/token')] },
  'listening-port-is-open': { bad: [listening('3501')], good: [listening('3500')] },
  'plex-stays-as-it-is': { bad: [ofVersion('latest')], good: [ofVersion('docker')] },
  'probes-ask-for-health': {
    bad: [probed('readinessProbe', '/healthz')],
    good: [probed('readinessProbe', '/ready'), probed('livenessProbe', '/health')],
  },
  'leader-may-scale': { bad: mayScale(['get']), good: mayScale(['get', 'patch']) },
};

/** The same rules, and what else they refuse. */
export const alsoRefused: ReadonlyArray<readonly [rule: string, what: string, objects: Example['bad']]> = [
  ['host-path-is-the-parent', 'media in the directory of mounts', [hostVolume('/mnt/clusterplex/films')]],
  ['host-path-is-the-parent', 'what is called like media', [hostVolume('/srv/media/')]],
  [
    'host-path-is-the-parent',
    "a site's own directory of mounts",
    [hostVolume('/srv/mounts/films'), object('ConfigMap', 'dfs', { data: { DFS_PATH: '/srv/mounts/dfs' } })],
  ],
  [
    'policies-let-addresses-out',
    'a mirror in the LAN, where only the internet is let to',
    [
      workload('StatefulSet', 'w', {
        container: {
          env: [
            { name: 'CODECS_URL', value: 'https://downloads.plex.tv/codecs, https://192.168.1.5/codecs' },
          ],
        },
      }),
      policy(['Egress'], 'w', { egress: [toInternet] }),
    ],
  ],
  ['reference-resolves', "a scaler's credentials", [scalerWith('a')]],
  [
    'reference-resolves',
    'their Secret',
    [scalerWith('a'), object('TriggerAuthentication', 'a', { spec: { secretTargetRef: [{ name: 'b' }] } })],
  ],
  [
    'storage-class-is-there',
    'the class of a StatefulSet',
    [
      workload('StatefulSet', 'w', {
        spec: { volumeClaimTemplates: [{ spec: { storageClassName: 'local-pth' } }] },
      }),
    ],
  ],
  ['address-is-a-service', 'a relay that is misspelt', [...parts, pms('q')]],
  ['address-is-a-service', "a scaler's url", [...parts, scaler('http://o.other:3500/a')]],
  [
    'policies-let-parts-through',
    'a wrong port out',
    [...all, policies.o, policies.p, policy(['Egress'], 'w', { egress: [to('o', 3500), to('p', 32498)] })],
  ],
  [
    'policies-let-parts-through',
    'datagrams only',
    [
      ...all,
      policies.p,
      policies.w,
      policy(['Ingress'], 'o', { ingress: [{ ports: [{ port: 3500, protocol: 'UDP' }] }] }),
    ],
  ],
  [
    'policies-let-parts-through',
    'nobody let in',
    [...all, policies.p, policies.w, policy(['Ingress'], 'o', { ingress: [from(['w'], 'http')] })],
  ],
  ['file-is-in-its-secret', 'a file in no Secret', [reading('/etc/other/token')]],
  [
    'file-is-in-its-secret',
    'a key under another name',
    [reading('/etc/token/token', [{ key: 'token', path: 'clusterplex' }])],
  ],
  [
    'one-plex-build',
    'two tags',
    [ofPlex('pms', 'plex:1.42', 'registry:5000/pms:2'), ofPlex('worker', 'plex:1.42')],
  ],
  [
    'probes-ask-for-health',
    'a worker that is killed for not being ready',
    [probed('livenessProbe', '/ready')],
  ],
];
