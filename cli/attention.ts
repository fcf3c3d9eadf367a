import type { PeersView } from '#shared/api/peers.ts';
import type { WorkerView } from '#shared/api/schemas.ts';

/** Why a worker takes no jobs, or what it warns of; empty when all is well. */
export function complaints({
  state,
  checks,
  leaving,
}: Pick<WorkerView, 'state' | 'checks' | 'leaving'>): string[] {
  if (state === 'disconnected') return ['it is not connected'];
  const said = checks.filter(({ ok }) => !ok).map(({ name, message }) => `${name}: ${message ?? 'not ok'}`);
  if (leaving) return ['the scale asks for fewer workers', ...said];
  if (state === 'quarantined') return ['its last jobs failed at once, see its log', ...said];
  const drainsItself = checks.some(({ name, ok }) => name === 'draining' && !ok);
  if (state === 'draining' && !drainsItself)
    return ['somebody drained it: clusterplex undrain gives it jobs again', ...said];
  return said.length === 0 && state === 'not-ready' ? ['it does not say why: see its log'] : said;
}

/** What keeps relays and workers from being there. */
export function peerComplaints({ relays, refused }: PeersView) {
  const none = { about: 'relay', state: 'missing', message: 'none is connected, so no job arrives' };
  return [
    ...(relays.length === 0 ? [none] : []),
    ...refused.map(({ role, address, message, hint }) => {
      return { about: `${role} at ${address}`, state: 'refused', message: `${message}: ${hint}` };
    }),
  ];
}
