import { type Overlay, parseOverlay } from '../../deploy/check/overlay.ts';

type Fields = Readonly<Record<string, unknown>>;

const API: Readonly<Record<string, string>> = {
  ...{
    Deployment: 'apps/v1',
    StatefulSet: 'apps/v1',
    DaemonSet: 'apps/v1',
    PodDisruptionBudget: 'policy/v1',
  },
  ...{ Ingress: 'networking.k8s.io/v1', NetworkPolicy: 'networking.k8s.io/v1' },
  ...{ Role: 'rbac.authorization.k8s.io/v1', RoleBinding: 'rbac.authorization.k8s.io/v1' },
  ...{ StorageClass: 'storage.k8s.io/v1' },
  TriggerAuthentication: 'keda.sh/v1alpha1',
  ...{ ScaledObject: 'keda.sh/v1alpha1', PodMonitor: 'monitoring.coreos.com/v1' },
  PrometheusRule: 'monitoring.coreos.com/v1',
  ServiceMonitor: 'monitoring.coreos.com/v1',
  Kustomization: 'kustomize.toolkit.fluxcd.io/v1',
};

/** An object in namespace `media`, with what is given of it. */
export function object(kind: string, name: string, fields: Fields & { metadata?: Fields } = {}): Fields {
  const { metadata, ...rest } = fields;
  return {
    apiVersion: API[kind] ?? 'v1',
    kind,
    metadata: { name, namespace: 'media', ...metadata },
    ...rest,
  };
}

/** What makes pods of one container, labelled `app: NAME`. */
export function workload(
  kind: string,
  name: string,
  { pod = {}, container = {}, spec = {}, template = {} }: Record<string, Fields> = {},
): Fields {
  const labels = { app: name };
  const containers = [{ name: 'main', ...container }];
  const metadata = { labels, ...template };
  return object(kind, name, {
    spec: {
      selector: { matchLabels: labels },
      template: { metadata, spec: { containers, ...pod } },
      ...spec,
    },
  });
}

export const service = (name: string, spec: object) => object('Service', name, { spec });
export const deployment = (name: string, given: Parameters<typeof workload>[2]) =>
  workload('Deployment', name, given);
export const env = (name: string, value: string) => ({ container: { env: [{ name, value }] } });
export const role = (name: string, resources: string[], verbs: string[], resourceNames: string[] = []) =>
  object('Role', name, { rules: [{ resources, verbs, resourceNames }] });

export function ingress(number: number, entryPoints = 'web') {
  const backend = { service: { name: 'a', port: { number } } };
  return object('Ingress', 'a', {
    metadata: { annotations: { 'traefik.ingress.kubernetes.io/router.entrypoints': entryPoints } },
    spec: { rules: [{ http: { paths: [{ backend }] } }] },
  });
}

/** Of the pods labelled `app: NAME`, or of all. */
export function policy(policyTypes: string[], app?: string, rules: Fields = {}) {
  const podSelector = app === undefined ? {} : { matchLabels: { app } };
  return object('NetworkPolicy', app ?? 'default', { spec: { podSelector, policyTypes, ...rules } });
}

export function nfsVolume(server: string, options = 'vers=4.2') {
  return object('PersistentVolume', 'a', { spec: { nfs: { server }, mountOptions: options.split(',') } });
}

export function hostVolume(path: string) {
  return object('PersistentVolume', 'media', {
    spec: { hostPath: { path }, claimRef: { name: 'media', namespace: 'media' } },
  });
}

export function storageClass(nfsOptions: string) {
  return object('StorageClass', 'a', { parameters: { nfsOptions } });
}

export function serviceMonitor(port: string) {
  return object('ServiceMonitor', 'a', { spec: { selector: {}, endpoints: [{ port }] } });
}

export function podMonitor(selector: Fields) {
  return object('PodMonitor', 'a', { spec: { selector, podMetricsEndpoints: [{ port: 'http' }] } });
}

export function overlayOf(objects: readonly Fields[]): Overlay {
  return parseOverlay('example', objects.map((one) => JSON.stringify(one)).join('\n---\n'));
}
