import { hostname } from 'node:os';
import { CodedError } from '#shared/errors.ts';
import { choice, milliseconds, optionalText, type SettingsOf, text } from '#shared/settings/table.ts';

export const leaderSettings = {
  LEADER_ELECTION: choice(
    ['off', 'lease'],
    'off',
    'Whether this one always leads, or several elect a leader through a Lease of Kubernetes and the others stand by.',
  ),
  LEASE_NAME: text('clusterplex-orchestrator', 'Name of that Lease.'),
  LEASE_NAMESPACE: optionalText('Its namespace. Default: that of the pod, or of the kubeconfig’s context.'),
  LEASE_DURATION_MS: milliseconds(
    15_000,
    'How long a standby waits for a sign of the leader before it takes over; full seconds, rounded up.',
  ),
  LEASE_RENEW_DEADLINE_MS: milliseconds(
    10_000,
    'How long a leader leads on that can’t renew its Lease; shorter than LEASE_DURATION_MS.',
  ),
  LEASE_RETRY_MS: milliseconds(
    2_000,
    'How often the leader renews its Lease, and at least as often a standby looks at it.',
  ),
  POD_NAME: optionalText('The orchestrator’s own pod, whose label says who leads. Default: its host name.'),
  KUBECONFIG: optionalText(
    'File that says how to reach Kubernetes. Default: the service account of the pod.',
  ),
};

export type LeaderSettings = SettingsOf<typeof leaderSettings>;

export function podName(settings: LeaderSettings): string {
  return settings.POD_NAME ?? hostname();
}

/** @throws CodedError when they contradict each other: then two might lead at once, or none for long */
export function refuseContradiction(settings: LeaderSettings): void {
  const order = ['LEASE_RETRY_MS', 'LEASE_RENEW_DEADLINE_MS', 'LEASE_DURATION_MS'] as const;
  for (const [index, name] of order.entries()) {
    const before = order[index - 1];
    if (settings[name] > (before ? settings[before] : 0)) continue;
    throw new CodedError(
      'bad-settings',
      `${name} is ${settings[name]}, which is not more than ${before ?? '0'}`,
      `set 0 < ${order.join(' < ')}`,
    );
  }
}
