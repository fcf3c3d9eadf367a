import { effect, signal } from '@preact/signals';
import type { PeersView } from '#shared/api/peers.ts';
import { get } from './api.ts';
import { connection } from './store.ts';

const REFRESH_MS = 5_000;

/** Relays, and who is not let in: no event tells of them. */
export const peers = signal<PeersView | null>(null);

async function refresh(): Promise<void> {
  if (connection.value === 'live') peers.value = await get<PeersView>('peers').catch(() => peers.value);
}

effect(() => void refresh());
setInterval(refresh, REFRESH_MS);
