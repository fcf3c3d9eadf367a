import type { GpuApi } from '#shared/capabilities.ts';
import type { DrmCard } from './drm.ts';
import type { NvidiaCard } from './nvidiaSmi.ts';
import { nvencSessionLimit } from './sessionLimit.ts';

/** A GPU that is there; what it can do is not known yet. */
export interface FoundGpu {
  readonly id: string;
  readonly api: GpuApi;
  readonly name: string;
  readonly device: string;
  /** VAAPI's drivers that may fit, best first; null: the driver's own choice. */
  readonly drivers: readonly (string | null)[];
  readonly sessionLimit: number | null;
}

/** Which of VAAPI's drivers serve a kernel driver, and whether Intel's own interface does, too. */
const VAAPI: Record<string, { readonly drivers: readonly (string | null)[]; readonly qsv: boolean }> = {
  i915: { drivers: ['iHD', 'i965'], qsv: true },
  xe: { drivers: ['iHD'], qsv: true },
  amdgpu: { drivers: ['radeonsi'], qsv: false },
  radeon: { drivers: ['r600', 'radeonsi'], qsv: false },
};

export interface Machine {
  readonly nvidia: readonly NvidiaCard[];
  readonly drm: readonly DrmCard[];
  /** Of the machine, whatever container this is. */
  readonly host: string;
  /** A driver that an operator names for this worker (LIBVA_DRIVER_NAME) is the only one tried. */
  readonly vaapiDriver: string | undefined;
  /** In place of what is known of the card; 0 for none. */
  readonly sessionLimit: number;
}

/** The GPUs of the machine, once for each interface by which a transcoder may reach them. */
export function foundGpus({ nvidia, drm, host, vaapiDriver, sessionLimit }: Machine): FoundGpu[] {
  const limit = sessionLimit || null;
  const cuda = nvidia.map((card): FoundGpu => {
    const { uuid: id, name, pci: device } = card;
    return { id, api: 'cuda', name, device, drivers: [null], sessionLimit: limit ?? nvencSessionLimit(card) };
  });
  const vaapi = drm.flatMap(({ node, pci, driver, name }): FoundGpu[] => {
    const known = VAAPI[driver];
    if (!known) return [];
    const drivers = vaapiDriver ? [vaapiDriver] : known.drivers;
    const gpu = { id: drmId(host, pci), name, device: node, drivers, sessionLimit: limit };
    return [{ ...gpu, api: 'vaapi' }, ...(known.qsv ? [{ ...gpu, api: 'qsv' as const }] : [])];
  });
  return [...cuda, ...vaapi];
}

export function drmId(host: string, pci: string): string {
  return `${host}/${pci}`;
}
