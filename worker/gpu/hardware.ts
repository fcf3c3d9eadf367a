import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Gpu, GpuApi } from '#shared/capabilities.ts';
import type { Timer } from '#shared/clock.ts';
import type { GpuFailure } from '#shared/job.ts';
import type { Logger } from '#shared/logger.ts';
import type { Transcoder } from '../capabilities/trial.ts';
import { type FoundGpu, foundGpus } from './cards.ts';
import { DRM_PLACES, type DrmPlaces, drmCards } from './drm.ts';
import { askNvidiaSmi } from './nvidiaSmi.ts';
import { type Proof, proveGpu } from './proof.ts';

/** How soon GPUs that lack something they had, or that gave no clear answer, are tried again. */
const RETRY_MS = 60_000;

/** How soon one that is of no use is tried again: its driver may still be on its way, or never come. */
const LATE_MS = 300_000;

/** Jobs that fail one after the other point at the same trouble: one round of trials answers for all of them. */
const PAUSE_MS = 10_000;

/** What is usually missing in a container that sees a GPU. */
const LIBVA = 'its VAAPI driver must be here (LIBVA_DRIVERS_PATH, LIBVA_DRIVER_NAME)';
const HINTS: Record<GpuApi, string> = {
  cuda: 'NVIDIA_DRIVER_CAPABILITIES must name compute and video',
  vaapi: LIBVA,
  qsv: LIBVA,
};

interface GpuProof extends Proof {
  readonly found: FoundGpu;
}

export interface HardwareOptions {
  readonly transcoder: Transcoder;
  readonly logger: Logger;
  readonly sessionLimit: number;
  readonly places?: DrmPlaces;
  /** What the GPUs can do is another now. */
  changed(): void;
}

/** What this worker's GPUs proved that they can do, tried again whenever a job gives reason to doubt it. */
export class Hardware {
  readonly #options: HardwareOptions;
  #gpus: readonly Gpu[] = [];
  #problems: ReadonlyMap<string, string> = new Map();
  /** Everything that a GPU here ever proved. */
  #best = new Set<string>();
  #round: Promise<void> | null = null;
  #endedAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: HardwareOptions) {
    this.#options = options;
  }

  get gpus(): readonly Gpu[] {
    return this.#gpus;
  }

  /** What is wrong with GPUs that are there and proved nothing, and what to do; null when nothing is. */
  get problem(): string | null {
    return [...this.#problems.values()].join('; ') || null;
  }

  /** Tries everything, now. */
  prove(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#round ??= this.#prove().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** A job's end points at the GPU. That all encoder sessions are taken is no defect. */
  suspect(failure: GpuFailure): void {
    if (failure === 'sessions') return;
    const { clock } = this.#options.transcoder;
    this.#proveIn(Math.max(0, this.#endedAt + PAUSE_MS - clock.now()));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #prove(): Promise<void> {
    const { transcoder, logger, changed } = this.#options;
    const proofs = await this.#proofs();
    if (this.#stopped) return;
    this.#endedAt = transcoder.clock.now();
    this.#complain(proofs);
    const gpus = proofs.flatMap(({ gpu }) => gpu ?? []);
    if (JSON.stringify(gpus) !== JSON.stringify(this.#gpus)) {
      logger.info({ gpus }, 'GPUs tried');
      this.#gpus = gpus;
      changed();
    }
    const now = new Set(gpus.flatMap(claims));
    const lacking = [...this.#best].filter((claim) => !now.has(claim));
    if (lacking.length > 0) logger.warn({ lacking }, 'GPUs lack what they had, and are tried again');
    this.#best = new Set([...this.#best, ...now]);
    if (lacking.length > 0 || proofs.some(({ undecided }) => undecided.length > 0)) this.#proveIn(RETRY_MS);
    else if (this.problem !== null) this.#proveIn(LATE_MS);
  }

  /** Once for each, until it works. */
  #complain(proofs: readonly GpuProof[]): void {
    const useful = new Set(proofs.flatMap(({ found, problem }) => (problem === null ? found.id : [])));
    const useless = proofs.filter(({ found }) => !useful.has(found.id));
    const before = this.#problems;
    this.#problems = new Map(
      useless.map(({ found: { id, api, name, device }, problem }) => {
        return [`${id} ${api}`, `${name} (${api}, ${device}) can't be used: ${problem}; ${HINTS[api]}`];
      }),
    );
    for (const [gpu, problem] of this.#problems) {
      if (!before.has(gpu)) this.#options.logger.warn({ problem }, 'a GPU is there that can’t be used');
    }
  }

  async #proofs(): Promise<GpuProof[]> {
    const { transcoder, places, sessionLimit } = this.#options;
    const found = foundGpus({
      nvidia: await askNvidiaSmi(transcoder),
      drm: drmCards(places ?? DRM_PLACES),
      host: hostId(),
      vaapiDriver: transcoder.env['LIBVA_DRIVER_NAME'],
      sessionLimit,
    });
    const proofs: GpuProof[] = [];
    // One after the other: trials of two interfaces to one card would get in one another's way.
    for (const gpu of found) {
      const before = this.#gpus.find(({ id, api }) => id === gpu.id && api === gpu.api);
      proofs.push({ found: gpu, ...(await proveGpu(gpu, transcoder, before?.encoders ?? [])) });
    }
    return proofs;
  }

  #proveIn(ms: number): void {
    if (this.#stopped || this.#timer) return;
    this.#timer = this.#options.transcoder.clock.after(ms, () => {
      this.#timer = null;
      // One that is under way may have begun before what raised the doubt.
      if (this.#round !== null) this.#proveIn(PAUSE_MS);
      else void this.prove();
    });
  }
}

function claims({ id, api, decoders, encoders, filters }: Gpu): string[] {
  const made = { decoder: decoders, encoder: encoders, filter: filters };
  return Object.entries(made).flatMap(([kind, names]) => names.map((name) => `${id} ${api} ${kind} ${name}`));
}

/** The same in every container of one machine, and on no other machine. */
export function hostId(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string {
  try {
    return read('/proc/sys/kernel/random/boot_id').trim() || hostname();
  } catch {
    return hostname();
  }
}
