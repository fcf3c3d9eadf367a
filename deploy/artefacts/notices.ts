import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGES, UPLOT } from '../../orchestrator/dashboard/assemble.ts';
import type { Runtime } from './runtime.ts';

const run = promisify(execFile);

const LICENCE = /^(licen[cs]e|copying|unlicense)/i;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** The licences of what is in the bundles, in the dashboard's page and, once it was fetched, of Node. */
export function licences(root: string, bundled: ReadonlySet<string>, nodeLicence: string): string {
  const page = [...PACKAGES, UPLOT].map((name) => `node_modules/${/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0]}`);
  const sections = [...new Set([...bundled, ...page])].sort().map((directory) => {
    const manifest: Manifest = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8'));
    const files = readdirSync(join(root, directory)).filter((name) => LICENCE.test(name));
    const texts = files.map((file) => readFileSync(join(root, directory, file), 'utf8').trim());
    const text = texts.length > 0 ? texts.join('\n\n') : 'The package has no text of its licence.';
    return `${manifest.name} ${manifest.version}: ${manifest.license ?? 'see below'}\n\n${text}`;
  });
  const ours = `ClusterPlex-TS\n\n${readFileSync(join(root, 'LICENSE'), 'utf8').trim()}`;
  const node = existsSync(nodeLicence)
    ? readFileSync(nodeLicence, 'utf8').trim()
    : 'Its text was not to be had when this was built: https://github.com/nodejs/node/blob/main/LICENSE';
  const debian =
    'In images\n\ntini is Debian’s: tini.copyright beside this file, where it is not installed as a package. What else there is of ' +
    'Debian’s, such as nfs-common in dfs, `dpkg-query --list` names, and /usr/share/doc/PACKAGE/copyright has its licence.';
  const rule = `\n\n${'='.repeat(80)}\n\n`;
  return `${[ours, ...sections, `Node.js\n\n${node}`, debian].join(rule)}\n`;
}

/** What package-lock.json says, as CycloneDX, and the Node beside the bundles. */
export async function bom(root: string, version: string, runtimes: readonly Runtime[]): Promise<string> {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const { stdout } = await run('npm', words, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const found: { metadata: { component: object }; components: object[] } = JSON.parse(stdout);
  // npm names it after the directory that it happens to be in.
  Object.assign(found.metadata.component, { name: 'clusterplex-ts', version });
  const nodes = runtimes.map((runtime) => ({
    'bom-ref': runtime.from,
    type: 'platform',
    name: `node (${runtime.architecture})`,
    version: runtime.version,
    purl: `pkg:npm/${runtime.from}`,
    hashes: [{ alg: 'SHA-256', content: runtime.sha256 }],
    licenses: [{ license: { id: 'MIT' } }],
  }));
  found.components.push(...nodes);
  return `${JSON.stringify(found, null, 2)}\n`;
}
