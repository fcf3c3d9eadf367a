import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Overlay } from './overlay.ts';
import {
  CHART,
  CHART_STANDBY,
  CHART_VALUES,
  overlayDirectories,
  renderAll,
  renderChart,
  unrendered,
} from './render.ts';
import { fileRules, rules } from './rules/index.ts';
import { isShellScript, shellFindings } from './shell.ts';
import { findTool } from './tools.ts';
import { wrongTypes } from './types.ts';

/** Parts of base and of homelab: what they refer to is in the others. The whole is linted. */
const PARTS = /\/(core|dfs|workers)$/;
/** What is rendered: the overlays that users take, and one with each component. */
const OVERLAYS = ['deploy/base', 'deploy/overlays', 'test/fixtures/deploy'];
/** Where shell scripts are. */
const SCRIPTS = ['deploy/**/*', 'cli/*', '.ci/*', 'test/**/*.sh'];
/** What the chart leaves to its users' cluster, and that it makes its own secrets. */
const NOT_OF_CHARTS = new Set(['namespace-allows-its-pods', 'no-secret-in-git', 'one-plex-build']);
/** What is there if it is asked for. */
const NOT_BY_DEFAULT = 'network-policy-for-every-pod';

export interface Report {
  readonly overlays: readonly Overlay[];
  readonly problems: readonly string[];
  /** What could not be checked on this machine. */
  readonly unchecked: readonly string[];
}

export async function checkDeploy(root: string): Promise<Report> {
  const files = textsOf(root, ['deploy/**/*']);
  const scripts = [...textsOf(root, SCRIPTS)]
    .filter(([path, text]) => isShellScript(path, text))
    .map(([path]) => path);
  const kubectl = await findTool(root, 'kubectl');
  const helm = await findTool(root, 'helm');
  const [kustomized, charts, shell] = await Promise.all([
    kubectl ? renderAll(kubectl, root, overlayDirectories(root, OVERLAYS)) : [],
    helm ? renderChart(helm, root) : [],
    shellFindings(root, scripts),
  ]);
  const overlays = [...kustomized, ...charts];
  const types = await wrongTypes(root, kubectl ? overlays : [...unrendered(root), ...charts]);
  const missing = (what: string, consequence: string) => `NOT CHECKED: no ${what} here, ${consequence}`;
  return {
    overlays,
    problems: [
      ...types.map((problem) => `types: ${problem}`),
      // Rules take objects for what their kinds say.
      ...(types.length > 0 ? [] : lintAll(overlays)),
      ...lintFiles(files),
      ...(shell ?? []).map((problem) => `shellcheck: ${problem}`),
    ],
    unchecked: [
      ...(kubectl
        ? []
        : [missing('kubectl with kustomize 5', 'NOT RENDERED: objects as written, by types alone')]),
      ...(helm ? [] : [missing('helm', 'NOT RENDERED: the chart')]),
      ...(shell ? [] : [missing('shellcheck', 'and none can be installed: the scripts')]),
    ],
  };
}

/** What is said at the end. What could not be looked at is no success: it may be all there is. */
export function verdictOf({ overlays, problems, unchecked }: Report): { text: string; exitCode: number } {
  const objects = overlays.reduce((count, overlay) => count + overlay.objects.length, 0);
  const text = `${overlays.length} overlays, ${objects} objects, ${problems.length} problems`;
  if (problems.length > 0) return { text, exitCode: 1 };
  return unchecked.length > 0
    ? { text: `${text}, and ${unchecked.length} NOT CHECKED, see above`, exitCode: 2 }
    : { text, exitCode: 0 };
}

/** What the rules say of objects that are as their kinds have them. */
export function lint({ objects, name }: Overlay): string[] {
  const applying = rules.filter((rule) => {
    if (name === CHART) return !NOT_OF_CHARTS.has(rule.name) && rule.name !== NOT_BY_DEFAULT;
    if (name === CHART_STANDBY) return !NOT_OF_CHARTS.has(rule.name);
    return PARTS.test(name) ? rule.ofParts : true;
  });
  return applying.flatMap((rule) => {
    return [...rule.check({ name, objects })].map((found) => `${rule.name}: ${found}\n  ${rule.why}`);
  });
}

function lintFiles(files: ReadonlyMap<string, string>): string[] {
  return fileRules.flatMap(({ name, why, check }) => {
    return [...check(files)].map((found) => `${name}: ${found}\n  ${why}`);
  });
}

/** A problem of the base is one of every overlay, and is told once. */
function lintAll(overlays: readonly Overlay[]): string[] {
  const first = new Map<string, string>();
  for (const overlay of overlays) {
    // Names what only a cluster has.
    if (overlay.name === CHART_VALUES) continue;
    for (const problem of lint(overlay)) if (!first.has(problem)) first.set(problem, overlay.name);
  }
  return [...first].map(([problem, overlay]) => `${overlay}: ${problem}`);
}

function textsOf(root: string, patterns: readonly string[]): Map<string, string> {
  const paths = globSync(patterns, { cwd: root }).filter((path) => statSync(join(root, path)).isFile());
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}
