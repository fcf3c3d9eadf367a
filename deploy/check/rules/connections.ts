import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { type IService, Service } from 'kubernetes-models/v1/Service';
import { all, idOf, type Overlay, selects, takes, type Workload, workloads } from '../overlay.ts';
import { LEADER } from './references.ts';
import type { Rule } from './rule.ts';

const RELAY_PORT = '32499';

export const connections: readonly Rule[] = [
  {
    name: 'address-is-a-service',
    why: 'A part that calls a name or a port that nobody has tries for ever, and PMS transcodes alone.',
    *check(overlay) {
      for (const address of addresses(overlay)) {
        if (!serviceAt(address, overlay)) {
          yield `${address.id}: ${address.said} leads to ${address.host}, port ${address.port}, which no Service has`;
        }
      }
    },
  },
  {
    name: 'policies-let-parts-through',
    why: 'A connection must be let out at one end and in at the other: else there is no worker, or a callback is lost.',
    *check(overlay) {
      for (const address of addresses(overlay)) {
        const service = serviceAt(address, overlay);
        if (!service) continue;
        for (const target of podsOf(service, overlay)) {
          const port = containerPort(service, address.port, target);
          for (const client of address.clients) {
            const what = `from ${client.id} to port ${port} of ${target.id}`;
            if (!isLet('Egress', client, target, port, overlay)) yield `no policy lets out what goes ${what}`;
            if (!isLet('Ingress', target, client, port, overlay)) yield `no policy lets in what goes ${what}`;
          }
        }
      }
    },
  },
];

/** Where somebody is told to connect to. */
interface Address {
  readonly id: string;
  readonly said: string;
  readonly host: string;
  readonly port: string;
  readonly namespace: string;
  /** Who connects, as far as it is among the objects. */
  readonly clients: readonly Workload[];
}

function* addresses(overlay: Overlay): Generator<Address> {
  const there = workloads(overlay);
  for (const workload of there) {
    const { id, namespace } = workload;
    for (const { env = [] } of workload.containers) {
      const value = (name: string) => env.find((one) => one.name === name)?.value;
      const url = value('ORCHESTRATOR_URL');
      if (url) yield { id, namespace, clients: [workload], ...ofUrl('ORCHESTRATOR_URL', url) };
      const host = value('PMS_SERVICE');
      if (!host) continue;
      // PMS tells it to workers, with each job.
      const clients = there.filter(({ containers }) => containers.some(({ name }) => name === 'worker'));
      const port = value('LOCAL_RELAY_PORT') ?? RELAY_PORT;
      yield { ...{ id, namespace, clients, host, port }, said: 'PMS_SERVICE' };
    }
  }
  for (const scaler of all(overlay.objects, ScaledObject.is)) {
    const about = { id: idOf(scaler), namespace: scaler.metadata?.namespace ?? '', clients: [] };
    for (const { metadata } of scaler.spec?.triggers ?? []) {
      if (metadata['url']) yield { ...about, ...ofUrl('url', metadata['url']) };
    }
  }
}

function ofUrl(said: string, text: string): Pick<Address, 'said' | 'host' | 'port'> {
  const url = URL.parse(text);
  if (!url) return { said, host: text, port: '' };
  return { said, host: url.hostname, port: url.port || (url.protocol === 'https:' ? '443' : '80') };
}

function serviceAt({ host, port, namespace }: Address, { objects }: Overlay): IService | undefined {
  const [name, wanted = namespace] = host.split('.');
  return all(objects, Service.is).find(({ metadata, spec }) => {
    const isIt = metadata?.name === name && (metadata?.namespace ?? '') === wanted;
    return isIt && spec?.ports?.some((one) => String(one.port) === port);
  });
}

function podsOf({ metadata, spec }: IService, overlay: Overlay): Workload[] {
  const { [LEADER]: _, ...wanted } = spec?.selector ?? {};
  return workloads(overlay).filter(({ namespace, labels }) => {
    return namespace === (metadata?.namespace ?? '') && selects(wanted, labels);
  });
}

/** Policies see the port of the pod, not that of the Service. */
function containerPort({ spec }: IService, port: string, target: Workload): number {
  const found = spec?.ports?.find((one) => String(one.port) === port);
  return portOf(found?.targetPort ?? Number(port), target);
}

function portOf(port: string | number, { containers }: Workload): number {
  if (typeof port === 'number') return port;
  return containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === port)?.containerPort ?? 0;
}

/** Whether the policies of `own` let it connect to `peer`, or be connected to by it. A pod that has none may do all. */
function isLet(
  direction: 'Ingress' | 'Egress',
  own: Workload,
  peer: Workload,
  port: number,
  { objects }: Overlay,
): boolean {
  const policies = all(objects, NetworkPolicy.is).filter(({ metadata, spec }) => {
    const isOwn = (metadata?.namespace ?? '') === own.namespace && takes(spec?.podSelector, own.labels);
    return isOwn && (spec?.policyTypes ?? ['Ingress']).includes(direction);
  });
  if (policies.length === 0) return true;
  const listening = direction === 'Ingress' ? own : peer;
  return policies.some(({ spec }) => {
    const rules =
      direction === 'Ingress'
        ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(({ peers, ports }) => {
      const isPort =
        !ports?.length ||
        ports.some((one) => {
          const isIt = one.port === undefined || portOf(one.port, listening) === port;
          return isIt && (one.protocol ?? 'TCP') === 'TCP';
        });
      const isPeer =
        !peers?.length ||
        peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
          const near = namespaceSelector
            ? takes(namespaceSelector, { 'kubernetes.io/metadata.name': peer.namespace })
            : peer.namespace === own.namespace;
          return !ipBlock && near && takes(podSelector, peer.labels);
        });
      return isPort && isPeer;
    });
  });
}
