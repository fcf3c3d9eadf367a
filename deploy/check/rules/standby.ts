import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { Service } from 'kubernetes-models/v1/Service';
import { all, electsLeader, idOf, workloads } from '../overlay.ts';
import type { Rule } from './rule.ts';

const ORCHESTRATOR = 'clusterplex-orchestrator';
const LEADER = 'clusterplex.io/role';

export const standby: readonly Rule[] = [
  {
    name: 'standby-is-ready',
    why: 'A standby that is not ready keeps Flux, updates and the disruption budget waiting for ever.',
    *check(overlay) {
      for (const { id, containers } of workloads(overlay)) {
        for (const { readinessProbe } of containers) {
          if (readinessProbe?.httpGet?.path === '/leader') yield `${id} is ready only while it leads`;
        }
      }
    },
  },
  {
    name: 'traffic-follows-the-leader',
    why: 'A Service over both sends half of all connections to one that refuses them; unready ones, to a dead one.',
    *check({ objects }) {
      for (const service of all(objects, Service.is)) {
        const { selector = {}, publishNotReadyAddresses } = service.spec ?? {};
        if (selector['app.kubernetes.io/name'] !== ORCHESTRATOR) continue;
        if (selector[LEADER] !== 'leader') yield `${idOf(service)} does not select ${LEADER}: leader`;
        if (publishNotReadyAddresses) yield `${idOf(service)} has publishNotReadyAddresses`;
      }
    },
  },
  {
    name: 'leader-may-label-itself',
    why: 'Without the right to renew its Lease and to patch pods, nobody leads, or the Service stays empty.',
    *check(overlay) {
      const leader = workloads(overlay).find(electsLeader);
      if (!leader) return;
      const rules = all(overlay.objects, Role.is)
        .filter(({ metadata }) => (metadata?.namespace ?? '') === leader.namespace)
        .flatMap(({ rules: allowed }) => allowed ?? []);
      for (const [resource, verbs] of Object.entries({
        leases: ['get', 'create', 'update'],
        pods: ['get', 'list', 'patch'],
      })) {
        const given = rules
          .filter(({ resources }) => resources?.includes(resource))
          .flatMap((rule) => rule.verbs);
        for (const verb of verbs)
          if (!given.includes(verb)) yield `no Role lets the leader ${verb} ${resource}`;
      }
    },
  },
  {
    name: 'no-surge',
    why: 'Where each of two nodes holds one, a third stays Pending, and the update with it.',
    *check({ objects }) {
      for (const deployment of all(objects, Deployment.is)) {
        const { strategy, replicas = 1 } = deployment.spec ?? {};
        const surges = strategy?.type !== 'Recreate' && strategy?.rollingUpdate?.maxSurge !== 0;
        if (surges) yield `${idOf(deployment)} (${replicas}) may surge: maxSurge is not 0`;
      }
    },
  },
];
