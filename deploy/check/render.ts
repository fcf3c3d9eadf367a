import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import { parse } from 'yaml';
import { type Overlay, parseOverlay } from './overlay.ts';

/** Directories below these that `kubectl apply -k` takes; components are no such thing. */
export function overlayDirectories(root: string, below: readonly string[]): string[] {
  return below
    .flatMap((directory) => globSync(`${directory}/**/kustomization.yaml`, { cwd: root }))
    .filter((file) => {
      const kustomization: unknown = parse(readFileSync(join(root, file), 'utf8'));
      return !!kustomization && Object(kustomization).kind === 'Kustomization';
    })
    .map(dirname)
    .sort();
}

/** Null where there is no kubectl that knows components: Debian's is of 2020. */
export async function kubectlVersion(kubectl = 'kubectl'): Promise<string | null> {
  return promisify(execFile)(kubectl, ['version', '--client']).then(
    ({ stdout }) => /Kustomize Version: (v5\S+)/.exec(stdout)?.[1] ?? null,
    () => null,
  );
}

export function renderAll(root: string, directories: readonly string[]): Promise<Overlay[]> {
  const queue = new PQueue({ concurrency: 2 });
  return queue.addAll(directories.map((directory) => () => render(root, directory)));
}

/** The objects as they are written, for where nothing renders them: without namespaces, and without patches. */
export function unrendered(root: string): Overlay[] {
  const files = globSync('deploy/**/kustomization.yaml', { cwd: root }).flatMap((file) => {
    const { resources = [] } = Object(parse(readFileSync(join(root, file), 'utf8')));
    const named = Array.isArray(resources) ? resources.map(String) : [];
    return named.filter((name) => name.endsWith('.yaml')).map((name) => join(dirname(file), name));
  });
  return files.sort().map((file) => parseOverlay(file, readFileSync(join(root, file), 'utf8')));
}

async function render(root: string, directory: string): Promise<Overlay> {
  const { stdout } = await promisify(execFile)('kubectl', ['kustomize', join(root, directory)], {
    maxBuffer: 2 ** 24,
  });
  return parseOverlay(directory, stdout);
}
