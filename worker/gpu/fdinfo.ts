import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What the kernel counts for one opener of a GPU (Documentation/gpu/drm-usage-stats). */
export interface DrmClient {
  readonly pci: string;
  readonly id: string;
  /** By engine: nanoseconds that it worked (`drm-engine-`), or its cycles (`drm-cycles-`). */
  readonly busy: ReadonlyMap<string, number>;
  /** By engine: cycles that went by; empty where the kernel counts nanoseconds. */
  readonly cycles: ReadonlyMap<string, number>;
  /** By engine: how many of them there are, where it is more than one. */
  readonly capacity: ReadonlyMap<string, number>;
}

/** Engines that encode. Intel's decode with the same ones. */
const ENCODERS = /^(?:enc|enc_\d+|video|vcs|vcn|vce)$/;
/** Engines that do nothing but encode, so that their users can be counted. */
const ONLY_ENCODERS = /^enc(?:_\d+)?$/;

/** One file of /proc/PID/fdinfo; null for one that is no GPU's. */
export function readFdinfo(text: string): DrmClient | null {
  let pci: string | undefined;
  let id: string | undefined;
  const busy = new Map<string, number>();
  const cycles = new Map<string, number>();
  const capacity = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, key = '', value = ''] = /^drm-([^:]+):\s*(\S+)/.exec(line) ?? [];
    const [, kind, engine = ''] = /^(engine-capacity|engine|cycles|total-cycles)-(.+)$/.exec(key) ?? [];
    if (key === 'pdev') pci = value;
    else if (key === 'client-id') id = value;
    else if (kind === 'engine-capacity') capacity.set(engine, Number(value));
    else if (kind === 'engine' || kind === 'cycles') busy.set(engine, Number(value));
    else if (kind === 'total-cycles') cycles.set(engine, Number(value));
  }
  return pci === undefined || id === undefined ? null : { pci, id, busy, cycles, capacity };
}

/** Everybody who has a GPU open and whom this process may look at, each once. */
export function drmClients(proc = '/proc'): DrmClient[] {
  const found = new Map<string, DrmClient>();
  for (const pid of names(proc).filter((name) => /^\d+$/.test(name))) {
    for (const fd of names(`${proc}/${pid}/fd`)) {
      if (!target(`${proc}/${pid}/fd/${fd}`).startsWith('/dev/dri/')) continue;
      const client = readFdinfo(content(`${proc}/${pid}/fdinfo/${fd}`));
      if (client) found.set(`${client.pci} ${client.id}`, client);
    }
  }
  return [...found.values()];
}

export interface EngineUse {
  /** Percent of the busiest engine. */
  readonly utilisation: number;
  /** Percent of the busiest engine that encodes. */
  readonly encoder: number;
  /** Openers that encoded in the meantime; null where the kernel does not tell encoding from decoding. */
  readonly sessions: number | null;
}

/** What a card's openers did between two looks at them. */
export function engineUse(
  pci: string,
  before: readonly DrmClient[],
  now: readonly DrmClient[],
  elapsedMs: number,
): EngineUse {
  const shares = new Map<string, number>();
  let sessions = 0;
  let countable = false;
  for (const client of now.filter((candidate) => candidate.pci === pci)) {
    const earlier = before.find((other) => other.pci === pci && other.id === client.id);
    let encoded = false;
    for (const [engine, busy] of client.busy) {
      const worked = Math.max(0, busy - (earlier?.busy.get(engine) ?? busy));
      const total = client.cycles.get(engine);
      const passed = total === undefined ? elapsedMs * 1e6 : total - (earlier?.cycles.get(engine) ?? total);
      const share = passed > 0 ? worked / passed / (client.capacity.get(engine) ?? 1) : 0;
      shares.set(engine, (shares.get(engine) ?? 0) + share);
      if (!ONLY_ENCODERS.test(engine)) continue;
      countable = true;
      encoded ||= worked > 0;
    }
    if (encoded) sessions += 1;
  }
  const busiest = (engines: readonly (readonly [string, number])[]): number =>
    Math.min(100, 100 * Math.max(0, ...engines.map(([, share]) => share)));
  const all = [...shares];
  return {
    utilisation: busiest(all),
    encoder: busiest(all.filter(([engine]) => ENCODERS.test(engine))),
    sessions: countable ? sessions : null,
  };
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

function content(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
