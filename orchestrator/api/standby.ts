import { CodedError } from '#shared/errors.ts';
import type { Leadership } from '../leader/leadership.ts';
import type { App } from './app.ts';

/** What a standby answers itself. */
const PROBES = new Set(['/health', '/ready', '/metrics']);

/** A standby knows nothing of workers and jobs, and must not say that there are none. */
export function refuseOnStandby(app: App, leadership: Leadership): void {
  app.addHook('onRequest', async (request) => {
    if (leadership.leads || PROBES.has(request.routeOptions.url ?? '')) return;
    const { holder } = leadership;
    throw new CodedError(
      'not-leader',
      `this orchestrator stands by; ${holder ?? 'nobody'} leads`,
      'ask the Service of the orchestrators, which knows the leader',
    );
  });
}
