import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { Service } from 'kubernetes-models/v1/Service';
import { all, idOf, type Overlay, selects, takes, type Workload, workloads } from '../overlay.ts';
import { SECRETS_FROM_OUTSIDE } from './cluster.ts';
import type { Rule } from './rule.ts';

/** Put onto a pod while it runs, by the leader. */
export const LEADER = 'clusterplex.io/role';
/** Containers of whose metrics there are alerts. */
const TELLS_METRICS = new Set(['orchestrator', 'worker', 'dfs-probe', 'dfs-mount']);

export const references: readonly Rule[] = [
  {
    name: 'selector-is-of-the-template',
    why: 'The API server refuses a workload whose selector does not take its own pods; it can never be changed.',
    *check({ objects }) {
      for (const object of objects) {
        if (!Deployment.is(object) && !StatefulSet.is(object) && !DaemonSet.is(object)) continue;
        const wanted = object.spec?.selector.matchLabels ?? {};
        const labels = object.spec?.template.metadata?.labels ?? {};
        if (!selects(wanted, labels))
          yield `${idOf(object)} selects ${show(wanted)}, its pods have ${show(labels)}`;
      }
    },
  },
  {
    name: 'selector-finds-pods',
    why: 'A Service, budget or policy for labels that no pod has does nothing, without a word.',
    *check(overlay) {
      for (const { id, namespace, wanted } of selectors(overlay)) {
        const { [LEADER]: _, ...constant } = wanted;
        const found = workloads(overlay).some((pods) => {
          return pods.namespace === namespace && selects(constant, pods.labels);
        });
        if (!found) yield `${id} selects ${show(wanted)}, which no pod in ${namespace} has`;
      }
    },
  },
  {
    name: 'port-name-exists',
    why: 'A port name that no container has is found by no Service and no probe.',
    *check(overlay) {
      for (const { id, pod, containers } of workloads(overlay)) {
        const names = new Set(pod.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)));
        for (const { startupProbe, readinessProbe, livenessProbe } of containers) {
          for (const port of [startupProbe, readinessProbe, livenessProbe].map(
            (probe) => probe?.httpGet?.port,
          )) {
            if (typeof port === 'string' && !names.has(port))
              yield `${id} is probed at port "${port}", which it has not`;
          }
        }
      }
      for (const { id, name, port } of targetPorts(overlay)) {
        const pods = workloads(overlay).filter((one) => name(one));
        const named = pods.some(({ pod }) =>
          pod.containers.some((one) => one.ports?.some((p) => p.name === port)),
        );
        if (pods.length > 0 && !named) yield `${id} has targetPort "${port}", which ${pods[0]?.id} has not`;
      }
    },
  },
  {
    name: 'reference-resolves',
    why: 'What names a claim, ConfigMap, Secret, account or credentials that are not there waits for them for ever.',
    *check(overlay) {
      const there = new Set(
        overlay.objects.map(({ kind, metadata }) => key(kind, metadata.namespace, metadata.name)),
      );
      const has = (kind: string, namespace: string, name: string) =>
        (kind === 'Secret' && SECRETS_FROM_OUTSIDE.has(name)) || there.has(key(kind, namespace, name));
      for (const workload of workloads(overlay)) {
        for (const [kind, name] of named(workload)) {
          if (!has(kind, workload.namespace, name))
            yield `${workload.id} names ${kind} ${name}, which is not there`;
        }
      }
      for (const object of overlay.objects) {
        const namespace = object.metadata.namespace ?? '';
        if (StatefulSet.is(object) && !has('Service', namespace, object.spec?.serviceName ?? '')) {
          yield `${idOf(object)} has serviceName ${object.spec?.serviceName}, which is no Service there`;
        }
        if (RoleBinding.is(object) && !has(object.roleRef.kind, namespace, object.roleRef.name)) {
          yield `${idOf(object)} names ${object.roleRef.kind} ${object.roleRef.name}, which is not there`;
        }
        for (const [kind, name] of namedByKeda(object)) {
          if (!has(kind, namespace, name)) yield `${idOf(object)} names ${kind} ${name}, which is not there`;
        }
      }
    },
  },
  {
    name: 'monitor-finds-a-port',
    why: 'Prometheus says nothing of a target that it does not find; the alerts then say that nobody is there.',
    *check({ objects }) {
      for (const monitor of all(objects, ServiceMonitor.is)) {
        const wanted = monitor.spec?.selector?.matchLabels ?? {};
        const services = all(objects, Service.is).filter(({ metadata }) =>
          selects(wanted, metadata?.labels ?? {}),
        );
        for (const { port } of monitor.spec?.endpoints ?? []) {
          const found = services.some(({ spec }) => spec?.ports?.some(({ name }) => name === port));
          if (!found) yield `${idOf(monitor)}: no Service with ${show(wanted)} has a port "${port}"`;
        }
      }
    },
  },
  {
    name: 'every-part-is-scraped',
    why: 'No alert is for what nobody scrapes: by the leader’s Service or label, not the one that nobody leads.',
    *check(overlay) {
      if (all(overlay.objects, PrometheusRule.is).length === 0) return;
      const monitors = all(overlay.objects, PodMonitor.is);
      for (const { id, namespace, labels, pod } of workloads(overlay)) {
        for (const { name, ports = [] } of pod.containers) {
          const isScraped = monitors.some(({ metadata, spec }) => {
            const namesPort = spec?.podMetricsEndpoints?.some(({ port }) =>
              ports.some((one) => one.name === port),
            );
            return metadata?.namespace === namespace && namesPort && takes(spec.selector, labels);
          });
          if (TELLS_METRICS.has(name) && !isScraped) yield `no PodMonitor finds a port of ${name} in ${id}`;
        }
      }
    },
  },
  {
    name: 'ingress-names-a-port',
    why: 'An Ingress has no default port: its Service must have the one that it names.',
    *check({ objects }) {
      for (const ingress of all(objects, Ingress.is)) {
        for (const { http } of ingress.spec?.rules ?? []) {
          for (const { backend } of http?.paths ?? []) {
            const { name, port } = backend.service ?? {};
            const service = all(objects, Service.is).find(({ metadata }) => metadata?.name === name);
            const found = service?.spec?.ports?.some((one) => {
              return port?.name === undefined ? one.port === port?.number : one.name === port.name;
            });
            if (!port || !found)
              yield `${idOf(ingress)} leads to ${name}, port ${show(port)}, which is not there`;
          }
        }
      }
    },
  },
];

function* selectors({ objects }: Overlay) {
  for (const object of objects) {
    const about = { id: idOf(object), namespace: object.metadata.namespace ?? '' };
    const named: (Readonly<Record<string, string>> | undefined)[] = [];
    if (Service.is(object)) named.push(object.spec?.selector);
    if (PodDisruptionBudget.is(object)) named.push(object.spec?.selector?.matchLabels);
    if (PodMonitor.is(object)) named.push(object.spec?.selector?.matchLabels);
    if (NetworkPolicy.is(object)) {
      const { podSelector, ingress = [], egress = [] } = object.spec ?? {};
      const peers = [
        ...ingress.flatMap((rule) => rule.from ?? []),
        ...egress.flatMap((rule) => rule.to ?? []),
      ];
      // Of other namespaces nothing is known here.
      const own = peers.filter(({ namespaceSelector }) => namespaceSelector === undefined);
      named.push(podSelector?.matchLabels, ...own.map((peer) => peer.podSelector?.matchLabels));
    }
    for (const wanted of named) if (wanted) yield { ...about, wanted };
  }
}

function* targetPorts({ objects }: Overlay) {
  for (const service of all(objects, Service.is)) {
    const { [LEADER]: _, ...wanted } = service.spec?.selector ?? {};
    for (const { targetPort } of service.spec?.ports ?? []) {
      if (typeof targetPort !== 'string') continue;
      const name = ({ namespace, labels }: Workload) =>
        namespace === service.metadata?.namespace && selects(wanted, labels);
      yield { id: idOf(service), port: targetPort, name };
    }
  }
}

function* named({ pod, containers }: Workload): Generator<readonly [kind: string, name: string]> {
  if (pod.serviceAccountName) yield ['ServiceAccount', pod.serviceAccountName];
  for (const { persistentVolumeClaim, configMap, secret } of pod.volumes ?? []) {
    if (persistentVolumeClaim) yield ['PersistentVolumeClaim', persistentVolumeClaim.claimName];
    if (configMap?.name && !configMap.optional) yield ['ConfigMap', configMap.name];
    if (secret?.secretName && !secret.optional) yield ['Secret', secret.secretName];
  }
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      if (valueFrom?.configMapKeyRef?.name) yield ['ConfigMap', valueFrom.configMapKeyRef.name];
      if (valueFrom?.secretKeyRef?.name) yield ['Secret', valueFrom.secretKeyRef.name];
    }
    for (const { configMapRef, secretRef } of envFrom) {
      if (configMapRef?.name) yield ['ConfigMap', configMapRef.name];
      if (secretRef?.name) yield ['Secret', secretRef.name];
    }
  }
}

function* namedByKeda(object: unknown): Generator<readonly [kind: string, name: string]> {
  if (ScaledObject.is(object)) {
    for (const { authenticationRef } of object.spec?.triggers ?? []) {
      if (authenticationRef)
        yield [authenticationRef.kind ?? 'TriggerAuthentication', authenticationRef.name];
    }
  }
  if (TriggerAuthentication.is(object)) {
    for (const { name } of object.spec?.secretTargetRef ?? []) yield ['Secret', name];
  }
}

function key(kind: string, namespace: string | undefined, name: string): string {
  return `${kind} ${namespace ?? ''}/${name}`;
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
