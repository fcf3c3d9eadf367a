import type { Example } from './examples.ts';
import { deployment, env, object, role, service } from './objects.ts';

const probed = (path: string) => deployment('a', { container: { readinessProbe: { httpGet: { path } } } });
const orchestrator = 'clusterplex-orchestrator';
const selecting = (labels: object) =>
  service('a', { selector: { 'app.kubernetes.io/name': orchestrator, ...labels } });
const applied = (spec: object) => object('Kustomization', 'a', { spec });

export const standbyExamples: Readonly<Record<string, Example>> = {
  'standby-is-ready': { bad: [probed('/leader')], good: [probed('/ready')] },
  'traffic-follows-the-leader': {
    bad: [selecting({})],
    good: [selecting({ 'clusterplex.io/role': 'leader' })],
  },
  'leader-may-label-itself': {
    bad: [
      deployment(orchestrator, env('LEADER_ELECTION', 'lease')),
      role('a', ['leases', 'pods'], ['get', 'create', 'update', 'list']),
    ],
    good: [
      deployment(orchestrator, env('LEADER_ELECTION', 'lease')),
      role('a', ['leases', 'pods'], ['get', 'create', 'update', 'list', 'patch']),
    ],
  },
  'no-surge': {
    bad: [deployment('a', {})],
    good: [deployment('a', { spec: { strategy: { rollingUpdate: { maxSurge: 0 } } } })],
  },
  'flux-waits-for-what-gets-ready': {
    bad: [applied({ wait: true, timeout: '15m', path: './homelab/workers' })],
    good: [applied({ wait: true, timeout: '15m', path: './homelab/core' })],
  },
  'flux-depends-on-what-is-there': {
    bad: [applied({ dependsOn: [{ name: 'b' }] })],
    good: [applied({ dependsOn: [{ name: 'a' }] })],
  },
};
