import type { ContractMount, SharedMount } from '#shared/protocol/storage.ts';
import { proofName } from '#shared/storage/proofs.ts';
import type { Relay, Worker } from './model.ts';
import type { CoreState } from './state.ts';

/** A relay says what PMS shares. It holds until the next word of a relay, so that workers outlive a relay's restart. */
export function publish(core: CoreState, relay: Relay, mounts: readonly SharedMount[]): void {
  const connected = new Set(
    [...core.peers.values()].flatMap((peer) => (peer.kind === 'relay' ? [peer.relay.name] : [])),
  );
  for (const name of core.contracts.keys()) if (!connected.has(name)) core.contracts.delete(name);
  core.contracts.set(relay.name, mounts);
  core.emit({ type: 'contract-changed' });
}

/** What this worker has to have, and how it can prove it. */
export function contractOf({ contracts }: CoreState, { instance }: Worker): ContractMount[] {
  return [...contracts.values()].flatMap((mounts) => {
    return mounts.map(({ seen, ...mount }) => {
      return {
        ...mount,
        seen: seen.find((name) => proofName(name)?.series === `worker-${instance}`) ?? null,
      };
    });
  });
}
