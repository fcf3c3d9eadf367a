import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Service } from 'kubernetes-models/v1/Service';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { all, idOf, type Overlay, selects, type Workload, workloads } from '../overlay.ts';
import type { Rule } from './rule.ts';

/** Of linuxserver's init, of NVIDIA's runtime, and of Node. */
const OF_OTHERS = new Set([
  'PUID',
  'PGID',
  'TZ',
  'VERSION',
  'PLEX_CLAIM',
  'NVIDIA_DRIVER_CAPABILITIES',
  'NODE_EXTRA_CA_CERTS',
]);

export const network: readonly Rule[] = [
  {
    name: 'no-service-links',
    why: 'Kubernetes injects X_PORT=tcp://… for each Service X, and a Service `pms` thereby sets PMS_PORT.',
    *check(overlay) {
      for (const { id, pod } of workloads(overlay)) {
        if (pod.enableServiceLinks !== false) yield `${id} lacks enableServiceLinks: false`;
      }
    },
  },
  {
    name: 'service-sets-no-setting',
    why: 'For pods that still have service links, a Service must not be called as a setting begins.',
    *check({ objects }) {
      for (const service of all(objects, Service.is)) {
        const prefix = (service.metadata?.name ?? '').toUpperCase().replaceAll('-', '_');
        for (const name of [`${prefix}_PORT`, `${prefix}_SERVICE_HOST`, `${prefix}_SERVICE_PORT`]) {
          if (KNOWN_SETTINGS.includes(name)) yield `${idOf(service)} would set ${name}`;
        }
      }
    },
  },
  {
    name: 'env-is-a-setting',
    why: 'A name that no part knows does nothing; one that is a letter off keeps the part from starting.',
    *check(overlay) {
      for (const workload of workloads(overlay)) {
        for (const name of envNames(workload, overlay)) {
          const known = KNOWN_SETTINGS.includes(name.replace(/_FILE$/, '')) || OF_OTHERS.has(name);
          if (!known) yield `${workload.id} sets ${name}, which is no setting (shared/settings/names.ts)`;
        }
      }
    },
  },
  {
    name: 'network-policy-for-every-pod',
    why: 'The Local Relay stands before what PMS trusts, and metrics are for Prometheus: nobody else may come in.',
    *check(overlay) {
      for (const { id, namespace, labels, pod } of workloads(overlay)) {
        // Of such pods every policy is void.
        if (pod.hostNetwork) continue;
        const policies = all(overlay.objects, NetworkPolicy.is).filter(({ metadata, spec }) => {
          const wanted = spec?.podSelector?.matchLabels ?? {};
          const any = spec?.podSelector?.matchExpressions === undefined;
          // One for all pods says what none may do, not what this one may.
          const isOwn = Object.keys(wanted).length > 0;
          return isOwn && any && (metadata?.namespace ?? '') === namespace && selects(wanted, labels);
        });
        for (const direction of ['Ingress', 'Egress'] as const) {
          const covered = policies.some(({ spec }) => spec?.policyTypes?.includes(direction));
          if (!covered) yield `${id}: no policy of its own says what its ${direction.toLowerCase()} may be`;
        }
      }
    },
  },
  {
    name: 'traefik-entry-points',
    why: "Traefik's chart and k3s call them web and websecure; a router at any other serves nothing.",
    *check({ objects }) {
      const annotation = 'traefik.ingress.kubernetes.io/router.entrypoints';
      for (const ingress of all(objects, Ingress.is)) {
        const given = ingress.metadata?.annotations?.[annotation]?.split(',') ?? [];
        for (const name of given) {
          if (name !== 'web' && name !== 'websecure')
            yield `${idOf(ingress)} names the entry point "${name}"`;
        }
      }
    },
  },
];

function envNames({ namespace, containers }: Workload, { objects }: Overlay): string[] {
  return containers.flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(({ name }) => name),
    ...envFrom.flatMap(({ configMapRef }) => {
      const map = all(objects, ConfigMap.is).find(
        ({ metadata }) => metadata?.name === configMapRef?.name && metadata?.namespace === namespace,
      );
      return Object.keys(map?.data ?? {});
    }),
  ]);
}
