import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { sourceOf } from '../../deploy/artefacts/parts.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    bundles: Readonly<Record<string, string>>;
  }
}

/** Those of which tests start many. */
export const PARTS = ['orchestrator', 'worker', 'relay'] as const;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/parts');
const SOURCES = ['{shared,orchestrator,worker,pms,deploy/artefacts}/**/*', 'package-lock.json'];

/**
 * Tests start hundreds of parts, and one of a single file, as it is delivered, is there after a third of the time. The
 * demo, and the tests of settings, start them from their sources.
 */
export default function provideBundles(project: TestProject): void {
  const directory = join(CACHE, stateOfSources());
  if (!existsSync(directory)) {
    rmSync(CACHE, { recursive: true, force: true });
    mkdirSync(CACHE, { recursive: true });
    const unfinished = mkdtempSync(join(CACHE, 'unfinished-'));
    execFileSync(process.execPath, [join(ROOT, 'test/setup/bundleParts.ts'), unfinished]);
    // Some parts are run by another user.
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, directory);
  }
  const entries = PARTS.map((part) => [sourceOf(part), join(directory, `${part}.js`)]);
  project.provide('bundles', Object.fromEntries(entries));
}

function stateOfSources(): string {
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort()) {
    const { mtimeMs, size } = statSync(join(ROOT, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
