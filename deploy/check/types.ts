import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { idOf, type Manifest, type Overlay } from './overlay.ts';

/** Packages with the types of what no Kubernetes has by itself, by the end of the API group. */
const PACKAGES: ReadonlyArray<readonly [group: string, npmPackage: string]> = [
  ['keda.sh', '@kubernetes-models/keda'],
  ['toolkit.fluxcd.io', '@kubernetes-models/flux-cd'],
  ['traefik.io', '@kubernetes-models/traefik'],
  ['monitoring.coreos.com', '@kubernetes-models/prometheus-operator'],
];

/**
 * What the type checker says of objects, unknown keys included, which an API server would drop without a word. Each is
 * written as a literal that must be of its kind's type; one run of the checker for all.
 */
export async function wrongTypes(root: string, overlays: readonly Overlay[]): Promise<string[]> {
  // Below the repository, because that is where the packages are found.
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'deploy-check-'));
  try {
    const { lines, owners } = literals(overlays);
    const file = join(directory, 'objects.ts');
    writeFileSync(file, lines.join('\n'));
    return (await complaints(root, file)).map(({ line, message }) => {
      return `${owners[line - 1] ?? file}: \`${lines[line - 1]?.trim()}\`: ${message}`;
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The same object in many overlays is checked once, and named after the first. */
function literals(overlays: readonly Overlay[]): { lines: string[]; owners: string[] } {
  const lines: string[] = [];
  const owners: string[] = [];
  const seen = new Set<string>();
  for (const { name, objects } of overlays) {
    for (const object of objects) {
      const literal = JSON.stringify(object, null, 1);
      if (seen.has(literal)) continue;
      seen.add(literal);
      const type = `import('${moduleOf(object)}').I${object.kind}`;
      const added = `(${literal}) satisfies ${type};`.split('\n');
      lines.push(...added);
      owners.push(...added.map(() => `${name}: ${idOf(object)}`));
    }
  }
  return { lines: [...lines, 'export {};'], owners };
}

function moduleOf({ apiVersion, kind }: Manifest): string {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const foreign = PACKAGES.find(([end]) => group === end || group.endsWith(`.${end}`));
  return `${foreign?.[1] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
}

async function complaints(root: string, file: string): Promise<{ line: number; message: string }[]> {
  const options = ['--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', '--module', 'nodenext'];
  const tsc = join(root, 'node_modules/.bin/tsc');
  const output = await promisify(execFile)(tsc, [...options, '--pretty', 'false', file], { cwd: root }).then(
    () => '',
    (error: unknown) => {
      if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string' && error.stdout) {
        return error.stdout;
      }
      throw error;
    },
  );
  return [...output.matchAll(/\((\d+),\d+\): error TS\d+: (.*)/g)].map(([, line, message = '']) => ({
    line: Number(line),
    message,
  }));
}
