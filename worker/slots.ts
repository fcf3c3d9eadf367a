import type { Gpu } from '#shared/capabilities.ts';

/** CPU cores that one software transcode keeps busy, roughly: a 1080p stream at real time. */
const CPUS_PER_SLOT = 2;

/** What a card is given whose driver counts no sessions: 1080p streams that any of them encodes in real time. */
const SLOTS_PER_GPU = 8;

/** How many transcodes at once this worker takes when nobody says. */
export function slotsFor(gpus: readonly Gpu[], cpus: number): number {
  const cards = new Map<string, number>();
  for (const { id, encoders, sessionLimit } of gpus) {
    if (encoders.length > 0) cards.set(id, Math.max(cards.get(id) ?? 0, sessionLimit ?? SLOTS_PER_GPU));
  }
  const byGpu = [...cards.values()].reduce((sum, sessions) => sum + sessions, 0);
  return byGpu || Math.max(1, Math.round(cpus / CPUS_PER_SLOT));
}
