import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { type Overlay, parseOverlay } from './overlay.ts';

export const CHART = 'deploy/chart';
export const CHART_VALUES = 'test/fixtures/deploy/chart';
export const CHART_STANDBY = `${CHART} with a standby and policies`;

const STANDBY = 'orchestrator.config.replicas=2,global.networkPolicies=true';

const Kustomization = Type.Object({
  kind: Type.String(),
  resources: Type.Optional(Type.Array(Type.String())),
});

/** Directories below these that `kubectl apply -k` takes; components are no such thing. */
export function overlayDirectories(root: string, below: readonly string[]): string[] {
  return below
    .flatMap((directory) => globSync(`${directory}/**/kustomization.yaml`, { cwd: root }))
    .filter((file) => kustomization(root, file).kind === 'Kustomization')
    .map(dirname)
    .sort();
}

export function renderAll(kubectl: string, root: string, directories: readonly string[]): Promise<Overlay[]> {
  const queue = new PQueue({ concurrency: 2 });
  return queue.addAll(
    directories.map((directory) => async () => {
      return parseOverlay(directory, await printed(kubectl, ['kustomize', join(root, directory)]));
    }),
  );
}

/** The chart as it is installed, with what ClusterPlex's has not, and with every value that ClusterPlex's documents. */
export async function renderChart(helm: string, root: string): Promise<Overlay[]> {
  const template = ['template', 'clusterplex', join(root, CHART)];
  const values = join(root, CHART_VALUES, 'values.yaml');
  return [
    parseOverlay(CHART, await printed(helm, template)),
    parseOverlay(CHART_STANDBY, await printed(helm, [...template, '--set', STANDBY])),
    parseOverlay(CHART_VALUES, await printed(helm, [...template, '--values', values])),
  ];
}

/** The objects as they are written, for where nothing renders them: without namespaces, and without patches. */
export function unrendered(root: string): Overlay[] {
  const files = globSync('deploy/**/kustomization.yaml', { cwd: root }).flatMap((file) => {
    const named = kustomization(root, file).resources ?? [];
    return named.filter((name) => name.endsWith('.yaml')).map((name) => join(dirname(file), name));
  });
  return files.sort().map((file) => parseOverlay(file, readFileSync(join(root, file), 'utf8')));
}

function kustomization(root: string, file: string): Static<typeof Kustomization> {
  return Value.Parse(Kustomization, parse(readFileSync(join(root, file), 'utf8')));
}

async function printed(program: string, words: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, [...words], { maxBuffer: 2 ** 24 })).stdout;
}
