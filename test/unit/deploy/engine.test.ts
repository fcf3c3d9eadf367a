import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { buildWith, engineHere } from '../../../deploy/images/check/engine.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'engines-'));
  vi.stubEnv('PATH', directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function put(name: string, script: string): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test('an engine that does not answer is none', () => {
  expect(engineHere()).toBeNull();
  put('docker', 'exit 1');
  expect(engineHere()).toBeNull();
  put('podman', '[ "$1" = info ]');
  expect(engineHere()).toBe('podman');
});

test('it builds a Dockerfile from the root of the checkout, or says why not', () => {
  put(
    'podman',
    `echo "$@" >'${directory}/words'; [ "$3" = Dockerfile ] || { echo no such file >&2; exit 1; }`,
  );
  buildWith('podman', 'Dockerfile', '/checkout');
  expect(readFileSync(join(directory, 'words'), 'utf8')).toBe('build -f Dockerfile /checkout\n');
  expect(() => buildWith('podman', 'another', '/checkout')).toThrow('no such file');
});
