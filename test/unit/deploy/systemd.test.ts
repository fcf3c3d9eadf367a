import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { drainTimeout } from '#shared/settings/common.ts';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { artefactsOf } from '../../../deploy/artefacts/parts.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDER = join(ROOT, 'deploy/systemd');
const units = readdirSync(FOLDER).filter((name) => name.endsWith('.service'));

/** The values of a key, in any section. */
function values(unit: string, key: string): string[] {
  const text = readFileSync(join(FOLDER, unit), 'utf8');
  return [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

test.each(units)('%s starts what the plain artefact has', (unit) => {
  const plain = artefactsOf(ROOT).find(({ name }) => name === 'plain')?.parts;
  const [command = ''] = values(unit, 'ExecStart');
  const [, part] =
    /^\/opt\/clusterplex\/node (?:--\S+ )?\/opt\/clusterplex\/([a-z-]+)\.js(?: --watch)?$/.exec(command) ??
    [];
  expect(plain).toContain(part);
});

test.each(units)('%s comes back by itself, and gains no privileges', (unit) => {
  expect(values(unit, 'Restart')).toEqual(['always']);
  expect(values(unit, 'NoNewPrivileges')).toEqual(['yes']);
});

test('a worker drains: only it is told to stop, and may take longer than that', () => {
  const unit = 'clusterplex-worker.service';
  expect(values(unit, 'KillMode')).toEqual(['mixed']);
  expect(1_000 * Number(values(unit, 'TimeoutStopSec')[0])).toBeGreaterThan(Number(drainTimeout.absent));
});

test('what a relay knows of its jobs outlives it', () => {
  const unit = 'clusterplex-relay.service';
  expect(values(unit, 'RuntimeDirectory')).toEqual(['clusterplex']);
  expect(values(unit, 'RuntimeDirectoryPreserve')).toEqual(['yes']);
});

test('their settings are settings', () => {
  const example = readFileSync(join(FOLDER, 'clusterplex.env.example'), 'utf8');
  const names = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name);
  const set = units.flatMap((unit) => values(unit, 'Environment')).map((each) => each.split('=')[0]);
  expect(names).toContain('CLUSTERPLEX_TOKEN');
  for (const name of [...names, ...set]) expect(KNOWN_SETTINGS).toContain(name);
});
