import { XMLParser } from 'fast-xml-parser';
import { shortRun } from '../capabilities/shortRun.ts';
import type { Transcoder } from '../capabilities/trial.ts';

/** It takes tenths of a second, and several seconds where it has to load the driver. */
const DEADLINE_MS = 10_000;

/** One NVIDIA card as `nvidia-smi -q -x` tells of it; null is what it does not say (`N/A`, or a driver too old). */
export interface NvidiaCard {
  /** The same on every machine and in every container that sees the card. */
  readonly uuid: string;
  readonly name: string;
  readonly brand: string | null;
  /** As Linux and Plex write it: `0000:0d:00.0`. */
  readonly pci: string;
  readonly driver: string | null;
  readonly memoryUsed: number | null;
  readonly memoryTotal: number | null;
  /** Percent. */
  readonly utilisation: number | null;
  /** Percent. */
  readonly encoder: number | null;
  readonly sessions: number | null;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  processEntities: false,
  isArray: (_name, path) => path === 'nvidia_smi_log.gpu',
});

/** The machine's NVIDIA cards as far as this process may see them; none where there is no nvidia-smi. */
export async function askNvidiaSmi({ env, clock }: Omit<Transcoder, 'file'>): Promise<NvidiaCard[]> {
  const words = ['-q', '-x'];
  const { stdout } = await shortRun({ file: 'nvidia-smi', words, env, clock, deadlineMs: DEADLINE_MS });
  return readNvidiaSmi(stdout);
}

/** The cards of an answer of nvidia-smi; none for one that can't be read. */
export function readNvidiaSmi(xml: string): NvidiaCard[] {
  const log = at(parsed(xml), 'nvidia_smi_log');
  const cards = at(log, 'gpu');
  return (Array.isArray(cards) ? cards : []).flatMap((card: unknown) => {
    const uuid = text(card, 'uuid');
    const pci = pciAddress(text(card, 'pci', 'pci_bus_id') ?? text(card, '@id'));
    if (uuid === null || pci === null) return [];
    return [
      {
        uuid,
        name: text(card, 'product_name') ?? 'NVIDIA',
        brand: text(card, 'product_brand'),
        pci,
        driver: text(log, 'driver_version'),
        memoryUsed: mebibytes(text(card, 'fb_memory_usage', 'used')),
        memoryTotal: mebibytes(text(card, 'fb_memory_usage', 'total')),
        utilisation: amount(text(card, 'utilization', 'gpu_util'), '%'),
        encoder: amount(text(card, 'utilization', 'encoder_util'), '%'),
        sessions: amount(text(card, 'encoder_stats', 'session_count'), ''),
      },
    ];
  });
}

function parsed(xml: string): unknown {
  try {
    return parser.parse(xml);
  } catch {
    return null;
  }
}

function at(node: unknown, ...path: readonly string[]): unknown {
  let here = node;
  for (const name of path) here = typeof here === 'object' && here !== null ? Reflect.get(here, name) : null;
  return here;
}

function text(node: unknown, ...path: readonly string[]): string | null {
  const value = at(node, ...path);
  return typeof value === 'string' && value !== '' && value !== 'N/A' ? value : null;
}

/** `nvidia-smi` gives the domain eight digits, Linux four. */
function pciAddress(address: string | null): string | null {
  return /[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]$/.exec(address?.toLowerCase() ?? '')?.[0] ?? null;
}

function amount(value: string | null, unit: string): number | null {
  const [, digits, found] = /^(\d+)\s*(\S*)$/.exec(value ?? '') ?? [];
  return digits !== undefined && found === unit ? Number(digits) : null;
}

function mebibytes(value: string | null): number | null {
  const found = amount(value, 'MiB');
  return found === null ? null : found * 1024 * 1024;
}
