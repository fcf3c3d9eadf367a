import type { Clock, Timer } from '#shared/clock.ts';
import type { GpuLoad } from '#shared/protocol/messages.ts';
import type { Environment } from '#shared/settings/read.ts';
import { drmId } from './cards.ts';
import { DRM_PLACES, drmCards, drmCounters } from './drm.ts';
import { type DrmClient, drmClients, engineUse } from './fdinfo.ts';
import { hostId } from './hardware.ts';
import { askNvidiaSmi } from './nvidiaSmi.ts';

/** Asking costs nvidia-smi tenths of a second of the driver's time. */
const MIN_INTERVAL_MS = 1_000;

export interface GpuMeterOptions {
  readonly clock: Clock;
  readonly env: Environment;
  readonly intervalMs: number;
  /** The cards that this worker uses. */
  ids(): ReadonlySet<string>;
}

/** Measures the load of the worker's GPUs again and again, whoever causes it. */
export class GpuMeter {
  readonly #options: GpuMeterOptions;
  #loads: readonly GpuLoad[] = [];
  #clients: { readonly at: number; readonly clients: readonly DrmClient[] } | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: GpuMeterOptions) {
    this.#options = options;
  }

  get loads(): readonly GpuLoad[] {
    return this.#loads;
  }

  /** Measures once, and from then on at the interval. */
  async start(): Promise<void> {
    const { clock, intervalMs, ids } = this.#options;
    const wanted = ids();
    // Without a card there is nothing to start a process for.
    const all = wanted.size === 0 ? [] : [...(await this.#nvidia()), ...this.#drm()];
    this.#loads = all.filter(({ id }) => wanted.has(id));
    if (this.#stopped) return;
    this.#timer = clock.after(Math.max(MIN_INTERVAL_MS, intervalMs), () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #nvidia(): Promise<GpuLoad[]> {
    if (![...this.#options.ids()].some((id) => id.startsWith('GPU-'))) return [];
    const cards = await askNvidiaSmi(this.#options);
    return cards.map(({ uuid: id, name, utilisation, encoder, memoryUsed, memoryTotal, sessions }) => {
      return { id, name, utilisation, encoder, memoryUsed, memoryTotal, sessions };
    });
  }

  #drm(): GpuLoad[] {
    const host = hostId();
    const cards = drmCards(DRM_PLACES).filter(({ pci }) => this.#options.ids().has(drmId(host, pci)));
    if (cards.length === 0) return [];
    const before = this.#clients;
    const now = { at: this.#options.clock.now(), clients: drmClients() };
    this.#clients = now;
    return cards.map((card) => {
      const counters = drmCounters(card);
      const use = before && engineUse(card.pci, before.clients, now.clients, now.at - before.at);
      return {
        id: drmId(host, card.pci),
        name: card.name,
        ...counters,
        // amdgpu's own figure leaves the encoders out.
        utilisation: use ? Math.max(use.utilisation, counters.utilisation ?? 0) : counters.utilisation,
        encoder: use?.encoder ?? null,
        sessions: use?.sessions ?? null,
      };
    });
  }
}
