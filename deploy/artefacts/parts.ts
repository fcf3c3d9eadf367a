import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What the artefacts are made of: each becomes `NAME.js`, and the programs that it starts lie beside it. */
const PARTS = {
  orchestrator: 'orchestrator/main.ts',
  worker: 'worker/main.ts',
  relay: 'pms/relay.ts',
  install: 'pms/install.ts',
  clusterplex: 'cli/main.ts',
  health: 'cli/health.ts',
  'dfs-probe': 'dfs/probe.ts',
  'dfs-mount': 'dfs/mount.ts',
} as const;

export type PartName = keyof typeof PARTS;

/** A folder of `build/`, which becomes /opt/clusterplex of an image, of a mod or of a machine. */
export interface Artefact {
  readonly name: string;
  readonly parts: readonly PartName[];
}

const ARTEFACTS: readonly Artefact[] = [
  { name: 'orchestrator', parts: ['orchestrator', 'clusterplex', 'health'] },
  { name: 'worker', parts: ['worker', 'clusterplex', 'health'] },
  { name: 'pms', parts: ['relay', 'install', 'clusterplex', 'health'] },
  { name: 'dfs', parts: ['dfs-probe', 'dfs-mount', 'health'] },
  {
    name: 'plain',
    parts: ['orchestrator', 'worker', 'relay', 'install', 'clusterplex', 'dfs-probe', 'dfs-mount'],
  },
];

/** Those of which this checkout has the sources. */
export function artefactsOf(root: string): readonly Artefact[] {
  const isThere = (part: PartName): boolean => existsSync(join(root, PARTS[part]));
  return ARTEFACTS.map(({ name, parts }) => ({ name, parts: parts.filter(isThere) })).filter(({ parts }) =>
    parts.some((part) => part !== 'health'),
  );
}

export function sourceOf(part: PartName): string {
  return PARTS[part];
}
