import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';

/** A GPU by its render node, as sysfs describes it. */
export interface DrmCard {
  /** `/dev/dri/renderD128`. */
  readonly node: string;
  readonly pci: string;
  /** Of the kernel: `i915`, `xe`, `amdgpu`, `nvidia` … */
  readonly driver: string;
  readonly name: string;
  /** Where sysfs keeps its values. */
  readonly directory: string;
}

export interface DrmPlaces {
  readonly sys: string;
  readonly dev: string;
}

export const DRM_PLACES: DrmPlaces = { sys: '/sys/class/drm', dev: '/dev/dri' };

const VENDORS: Record<string, string> = { '0x1002': 'AMD', '0x8086': 'Intel', '0x10de': 'NVIDIA' };

/** The GPUs that this process may use. A container sees all of the machine's in sysfs, and under /dev only its own. */
export function drmCards({ sys, dev }: DrmPlaces = DRM_PLACES): DrmCard[] {
  return entries(sys)
    .filter((entry) => /^renderD\d+$/.test(entry))
    .sort()
    .flatMap((entry) => {
      const node = `${dev}/${entry}`;
      const directory = `${sys}/${entry}/device`;
      const uevent = read(`${directory}/uevent`) ?? '';
      const driver = /^DRIVER=(.+)$/m.exec(uevent)?.[1];
      const pci = /^PCI_SLOT_NAME=(.+)$/m.exec(uevent)?.[1];
      if (driver === undefined || pci === undefined || !isUsable(node)) return [];
      return [{ node, pci, driver, name: nameOf(directory), directory }];
    });
}

/** Bytes and percent of the card as a whole, which only amdgpu tells. */
export function drmCounters({ directory }: DrmCard): {
  memoryUsed: number | null;
  memoryTotal: number | null;
  utilisation: number | null;
} {
  return {
    memoryUsed: number(`${directory}/mem_info_vram_used`),
    memoryTotal: number(`${directory}/mem_info_vram_total`),
    utilisation: number(`${directory}/gpu_busy_percent`),
  };
}

function nameOf(directory: string): string {
  const product = read(`${directory}/product_name`)?.trim();
  if (product) return product;
  const vendor = read(`${directory}/vendor`)?.trim() ?? '';
  const device = read(`${directory}/device`)?.trim() ?? '';
  return `${VENDORS[vendor] ?? vendor} ${device}`.trim() || 'GPU';
}

function isUsable(node: string): boolean {
  try {
    accessSync(node, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function number(path: string): number | null {
  const value = read(path)?.trim() ?? '';
  return /^\d+$/.test(value) ? Number(value) : null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
