import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '#shared/version.ts';
import { type Built, buildArtefacts } from '../../deploy/artefacts/build.ts';
import { ownArchitecture } from '../../deploy/artefacts/runtime.ts';
import type { StageReport } from '../support/artefactStage.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STAGE = join(ROOT, 'test/support/artefactStage.ts');

/** Of its own, where there is nothing but loopback; in another way for whoever is not root. */
const OFFLINE = [
  ['unshare', '-n'],
  ['unshare', '-rn'],
].find(([command = '', ...words]) => spawnSync(command, [...words, 'true']).status === 0);

let out: string;
let built: Built;

beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), 'artefacts-'));
  built = await buildArtefacts(out, [ownArchitecture()]);
}, 60_000);

afterAll(() => rmSync(out, { recursive: true, force: true }));

test('nothing in them says where they were built', () => {
  for (const file of filesOf(out)) {
    if (file.endsWith('/node')) continue;
    expect(readFileSync(file).includes(ROOT), file).toBe(false);
  }
});

test('what they are made of is listed: packages and Node, with their licences', () => {
  const bom = JSON.parse(readFileSync(join(out, 'SBOM.json'), 'utf8'));
  const [node] = built.runtimes;
  expect(bom).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'clusterplex-ts', version: VERSION } },
    components: expect.arrayContaining([
      expect.objectContaining({ name: 'fastify' }),
      expect.objectContaining({
        purl: `pkg:npm/${node?.from}`,
        hashes: [{ alg: 'SHA-256', content: node?.sha256 }],
      }),
    ]),
  });
  expect(bom.components).not.toContainEqual(expect.objectContaining({ name: 'vitest' }));
  const licences = readFileSync(join(out, 'LICENSES.txt'), 'utf8');
  for (const title of ['ws', 'pino', '@preact/signals']) {
    expect(licences).toMatch(new RegExp(`^${title} \\d+\\.\\d+\\.\\d+: MIT$`, 'm'));
  }
  expect(licences).not.toMatch(/^vitest /m);
});

describe('with nothing else, and no network', () => {
  let report: StageReport;

  beforeAll(() => {
    const artefacts = join(out, 'plain', ownArchitecture());
    const command = [join(artefacts, 'node'), STAGE, artefacts];
    if (!OFFLINE) process.stdout.write('NOT TESTED without a network: this user may not unshare it\n');
    const [file = '', ...words] = OFFLINE
      ? [...OFFLINE, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command]
      : command;
    const options = { encoding: 'utf8', timeout: 60_000 } as const;
    report = JSON.parse(execFileSync(file, words, options));
  }, 60_000);

  test.runIf(OFFLINE)('there is only loopback', () => {
    expect(report.interfaces).toEqual(['lo']);
  });

  test('they run the demo’s job, from the hook to its last segment', () => {
    expect(report.installed).toContain('put the hook in place');
    expect(report).toMatchObject({ hook: 0, segments: 6, worker: 'of-artefacts', stopped: [0, 0, 0, 0] });
  });

  test.each(['/', '/assets/preact.js', '/assets/main.ts', '/metrics', '/api/v1/openapi.json'])(
    'the orchestrator serves %s',
    (path) => {
      const [status, size = 0] = report.pages[path] ?? [];
      expect(status).toBe(200);
      expect(size).toBeGreaterThan(1_000);
    },
  );

  test('the command line says the same of them as of sources', () => {
    const { status, history, 'doctor --pms': doctor } = report.commands;
    expect(status).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`version ${VERSION}\nworkers +1 ready`),
    });
    expect(history).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ended .* of-artefacts .* Film\.mkv/),
    });
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hook +ok +is in place/m) });
  });
});

test('each folder has what its image or mod starts, and no more', () => {
  const programs = (folder: string): string[] =>
    readdirSync(join(out, folder)).filter((name) => /^[a-z-]+\.js$/.test(name) && !name.includes('-'));
  expect(programs('orchestrator')).toEqual(['clusterplex.js', 'health.js', 'orchestrator.js']);
  expect(programs('worker')).toEqual(['clusterplex.js', 'health.js', 'worker.js']);
  expect(programs('pms')).toEqual(['clusterplex.js', 'health.js', 'install.js', 'relay.js']);
  for (const { name } of built.artefacts) {
    if (name === 'plain') continue;
    expect(existsSync(join(out, name, 'node'))).toBe(false);
    expect(statSync(join(out, name, 'clusterplex')).mode & 0o111).toBe(0o111);
  }
});

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
