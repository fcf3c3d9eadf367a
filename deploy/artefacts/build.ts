import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '#shared/version.ts';
import { type Bundle, bundle, writeBundle } from './bundle.ts';
import { bom, licences } from './notices.ts';
import { type Artefact, artefactsOf, type PartName, sourceOf } from './parts.ts';
import {
  type Architecture,
  fetchedRuntime,
  keptRuntime,
  ownArchitecture,
  ownRuntime,
  type Runtime,
  sameFile,
} from './runtime.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Built {
  readonly artefacts: readonly Artefact[];
  readonly runtimes: readonly Runtime[];
  /** What could not be had, and why. */
  readonly missing: readonly string[];
}

/** Writes all artefacts into this directory. What it knows already of Node is kept. */
export async function buildArtefacts(out: string, architectures: readonly Architecture[]): Promise<Built> {
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(out)) {
    if (name !== 'node') rmSync(join(out, name), { recursive: true });
  }
  const artefacts = artefactsOf(ROOT);
  const parts = [...new Set(artefacts.flatMap((each) => each.parts))];
  const missing: string[] = [];
  const [bundles, runtimes] = await Promise.all([
    Promise.all(parts.map(async (part) => [part, await bundle(ROOT, part, sourceOf(part))] as const)),
    Promise.all(architectures.map((each) => runtimeOf(out, each, missing))),
  ]);
  const found = runtimes.filter((runtime) => runtime !== null);
  const notices = licences(
    ROOT,
    new Set(bundles.flatMap(([, { packages }]) => [...packages])),
    join(out, 'node/LICENSE'),
  );
  const texts = { 'SBOM.json': await bom(ROOT, VERSION, found), 'LICENSES.txt': notices };
  writeTexts(out, texts);
  const files = new Map(bundles);
  for (const artefact of artefacts) {
    if (artefact.name !== 'plain') write(join(out, artefact.name), artefact, files, texts);
    else {
      for (const { architecture } of found) writePlain(out, architecture, artefact, files, texts);
    }
  }
  return { artefacts, runtimes: found, missing };
}

async function runtimeOf(
  out: string,
  architecture: Architecture,
  missing: string[],
): Promise<Runtime | null> {
  const kept = keptRuntime(ROOT, out, architecture);
  if (kept) return kept;
  if (architecture === ownArchitecture()) return ownRuntime(ROOT, out);
  try {
    return await fetchedRuntime(ROOT, out, architecture);
  } catch (error) {
    const [reason = ''] = String(error).split('\n');
    missing.push(`Node for ${architecture}: ${reason}`);
    return null;
  }
}

/** By name, what says what the artefacts are made of: wherever they go, it goes too. */
type Texts = Readonly<Record<string, string>>;

function writeTexts(folder: string, texts: Texts): void {
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
}

/** What becomes /opt/clusterplex, but for Node, which depends on the machine. */
function write(
  folder: string,
  { parts }: Artefact,
  bundles: ReadonlyMap<PartName, Bundle>,
  texts: Texts,
): void {
  mkdirSync(folder, { recursive: true });
  for (const part of parts) {
    const built = bundles.get(part);
    if (built) writeBundle(folder, built);
  }
  const manifest = {
    name: 'clusterplex-ts',
    version: VERSION,
    license: 'MIT',
    private: true,
    type: 'module',
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeTexts(folder, texts);
  if (!parts.includes('clusterplex')) return;
  const launcher = readFileSync(join(ROOT, 'deploy/artefacts/clusterplex'));
  writeFileSync(join(folder, 'clusterplex'), launcher, { mode: 0o755 });
}

/** All parts, Node and what installs them, for machines without containers. */
function writePlain(
  out: string,
  architecture: Architecture,
  artefact: Artefact,
  bundles: ReadonlyMap<PartName, Bundle>,
  texts: Texts,
): void {
  const folder = join(out, artefact.name, architecture);
  write(folder, artefact, bundles, texts);
  sameFile(join(out, 'node', architecture, 'node'), join(folder, 'node'));
  copyFileSync(join(ROOT, 'deploy/install.sh'), join(folder, 'install.sh'));
  const units = join(ROOT, 'deploy/systemd');
  mkdirSync(join(folder, 'systemd'));
  for (const name of readdirSync(units)) copyFileSync(join(units, name), join(folder, 'systemd', name));
}
