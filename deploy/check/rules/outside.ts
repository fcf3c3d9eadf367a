import { BlockList, isIP } from 'node:net';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { INetworkPolicyPeer } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicyPeer';
import { all, type Overlay, takes, type Workload, workloads } from '../overlay.ts';
import type { Rule } from './rule.ts';

/** Settings that name a server of somebody else's. */
const ADDRESSES = new Set([
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'CODECS_URL',
]);

export const outside: readonly Rule[] = [
  {
    name: 'policies-let-addresses-out',
    why: 'Traces to a collector that no policy lets out are lost, and a worker waits for codecs of a mirror in vain.',
    *check(overlay) {
      for (const workload of workloads(overlay)) {
        for (const { name, value = '' } of workload.containers.flatMap(({ env = [] }) => env)) {
          if (!ADDRESSES.has(name)) continue;
          for (const url of value.split(',').flatMap((one) => URL.parse(one.trim()) ?? [])) {
            if (!isLetOut(workload, url, overlay))
              yield `${workload.id}: no policy lets out what goes to ${url.host} (${name})`;
          }
        }
      }
    },
  },
];

function isLetOut({ namespace, labels }: Workload, url: URL, { objects }: Overlay): boolean {
  const policies = all(objects, NetworkPolicy.is).filter(({ metadata, spec }) => {
    const isOwn = metadata?.namespace === namespace && takes(spec?.podSelector, labels);
    return isOwn && spec?.policyTypes?.includes('Egress');
  });
  const wanted = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const rules = policies.flatMap(({ spec }) => spec?.egress ?? []);
  return (
    policies.length === 0 ||
    rules.some(({ to = [], ports = [] }) => {
      const isPort = ports.length === 0 || ports.some(({ port = wanted }) => port === wanted);
      return isPort && (to.length === 0 || to.some((peer) => isPeer(peer, url.hostname, namespace)));
    })
  );
}

/** Of a name nothing is known but the namespace that it may end in: any address may be it. */
function isPeer({ ipBlock, namespaceSelector }: INetworkPolicyPeer, host: string, own: string): boolean {
  if (ipBlock) return !isIP(host) || (isIn(host, [ipBlock.cidr]) && !isIn(host, ipBlock.except ?? []));
  const [, namespace = own] = host.split('.');
  if (isIP(host)) return false;
  return namespaceSelector
    ? takes(namespaceSelector, { 'kubernetes.io/metadata.name': namespace })
    : namespace === own;
}

function isIn(address: string, networks: readonly string[]): boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [start = '', length] = network.split('/');
    list.addSubnet(start, Number(length), isIP(start) === 6 ? 'ipv6' : 'ipv4');
  }
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
