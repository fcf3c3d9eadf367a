import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Overlay } from './overlay.ts';
import { kubectlVersion, overlayDirectories, renderAll, unrendered } from './render.ts';
import { fileRules, rules } from './rules/index.ts';
import { isShellScript, shellFindings } from './shell.ts';
import { wrongTypes } from './types.ts';

/** Parts of base and of homelab: what they refer to is in the others. The whole is linted. */
const PARTS = /\/(core|dfs|workers)$/;
/** What is rendered: the overlays that users take, and one with each component. */
const OVERLAYS = ['deploy/base', 'deploy/overlays', 'test/fixtures/deploy'];

export interface Report {
  readonly overlays: readonly Overlay[];
  readonly problems: readonly string[];
  /** What could not be checked on this machine. */
  readonly unchecked: readonly string[];
}

export async function checkDeploy(root: string): Promise<Report> {
  const files = textsBelow(root, 'deploy');
  const scripts = [...files].filter(([path, text]) => isShellScript(path, text)).map(([path]) => path);
  const [overlays, shell] = await Promise.all([render(root), shellFindings(root, scripts)]);
  const types = await wrongTypes(root, overlays ?? unrendered(root));
  return {
    overlays: overlays ?? [],
    problems: [
      ...types.map((problem) => `types: ${problem}`),
      // Rules take objects for what their kinds say.
      ...(types.length > 0 ? [] : lintAll(overlays ?? [])),
      ...lintFiles(files),
      ...(shell ?? []).map((problem) => `shellcheck: ${problem}`),
    ],
    unchecked: [
      ...(overlays
        ? []
        : [
            'NOT RENDERED: there is no kubectl with kustomize 5: objects were checked as they are written, by their types alone',
          ]),
      ...(shell ? [] : ['NOT CHECKED: there is no shellcheck, and none could be installed']),
    ],
  };
}

/** What the rules say of objects that are as their kinds have them. */
export function lint({ objects, name }: Overlay): string[] {
  const isPart = PARTS.test(name);
  const applying = rules.filter(({ ofParts }) => ofParts || !isPart);
  return applying.flatMap((rule) => {
    return [...rule.check({ name, objects })].map((found) => `${rule.name}: ${found}\n  ${rule.why}`);
  });
}

export function lintFiles(files: ReadonlyMap<string, string>): string[] {
  return fileRules.flatMap(({ name, why, check }) => {
    return [...check(files)].map((found) => `${name}: ${found}\n  ${why}`);
  });
}

/** A problem of the base is one of every overlay, and is told once. */
function lintAll(overlays: readonly Overlay[]): string[] {
  const first = new Map<string, string>();
  for (const overlay of overlays) {
    for (const problem of lint(overlay)) if (!first.has(problem)) first.set(problem, overlay.name);
  }
  return [...first].map(([problem, overlay]) => `${overlay}: ${problem}`);
}

async function render(root: string): Promise<Overlay[] | null> {
  if (!(await kubectlVersion())) return null;
  return renderAll(root, overlayDirectories(root, OVERLAYS));
}

function textsBelow(root: string, directory: string): Map<string, string> {
  const paths = globSync(`${directory}/**/*`, { cwd: root }).filter((path) =>
    statSync(join(root, path)).isFile(),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}
