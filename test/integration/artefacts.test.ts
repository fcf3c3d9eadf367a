import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '#shared/version.ts';
import { type Built, buildArtefacts } from '../../deploy/artefacts/build.ts';
import { ownArchitecture } from '../../deploy/artefacts/runtime.ts';
import type { StageReport } from '../support/artefactStage.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STAGE = join(ROOT, 'test/support/artefactStage.ts');

/** A network of its own, where there is nothing but loopback; in another way for whoever is not root. */
const OFFLINE = unshared('n');
/** Mounts of its own. */
const PRIVATE = unshared('m');
if (!PRIVATE) process.stdout.write('NOT TESTED: install.sh (this user may not unshare mounts)\n');
/** What it writes to comes to lie in a folder. */
const ENTER = `
root=$1; shift
for at in opt etc run usr/local/bin; do mkdir -p "$root/$at"; mount --bind "$root/$at" "/$at"; done
exec "$@"
`;

function unshared(what: 'n' | 'm'): string[] | undefined {
  const ways = [
    ['unshare', `-${what}`],
    ['unshare', `-r${what}`],
  ];
  return ways.find(([command = '', ...words]) => spawnSync(command, [...words, 'true']).status === 0);
}

let out: string;
let built: Built;

beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), 'artefacts-'));
  built = await buildArtefacts(out, [ownArchitecture()]);
}, 120_000);

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
  expect(licences).toContain('tini is Debian’s');
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
    const options = { cwd: out, encoding: 'utf8', timeout: 120_000 } as const;
    report = JSON.parse(execFileSync(file, words, options));
  }, 120_000);

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
      stdout: expect.stringMatching(`version ${VERSION}\nrelays .*\nworkers +1 ready`),
    });
    expect(history).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/finished .* of-artefacts .* Film\.mkv/),
    });
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hook +ok +is in place/m) });
  });
});

describe.runIf(PRIVATE)('install.sh', () => {
  let root: string;
  const inside = (command: readonly string[], env = {}): SpawnSyncReturns<string> => {
    const [file = '', ...words] = PRIVATE ?? [];
    const enter = [...words, 'sh', '-ec', ENTER, 'sh', root, ...command];
    return spawnSync(file, enter, { env: { PATH: '/usr/bin:/bin', ...env }, encoding: 'utf8' });
  };
  const install = (...words: string[]): SpawnSyncReturns<string> =>
    inside([join(out, 'plain', ownArchitecture(), 'install.sh'), ...words], {
      TRANSCODER_PATH: join(root, 'plex'),
    });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'installed-'));
    mkdirSync(join(root, 'plex'));
    writeFileSync(join(root, 'plex/Plex Transcoder'), '#!/bin/sh\necho "original $*"\n', { mode: 0o755 });
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const hook = (env: Record<string, string>): string =>
    inside([join(root, 'plex/Plex Transcoder'), 'a', 'b'], env).stdout;

  test('puts everything in place, twice, and takes it away again but for the settings', () => {
    const first = install('pms', 'worker');
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain('then: systemctl enable --now clusterplex-relay clusterplex-hook\n');
    // No file that this machine has not.
    expect(first.stdout).not.toContain('.md');
    const settings = join(root, 'etc/clusterplex/clusterplex.env');
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    // What starts the hook's unit and the worker's finds Plex there, too.
    expect(readFileSync(settings, 'utf8')).toContain(`\nTRANSCODER_PATH="${root}/plex"\n`);
    // By hand it may have lost its last end of line.
    writeFileSync(settings, 'TRANSCODER_PATH=/elsewhere\nCLUSTERPLEX_TOKEN=mine');
    const mine = `TRANSCODER_PATH=/elsewhere\nCLUSTERPLEX_TOKEN=mine\nTRANSCODER_PATH="${root}/plex"\n`;
    install('pms', 'worker');
    expect(readFileSync(settings, 'utf8')).toBe(mine);
    // The command line finds there what the parts find.
    writeFileSync(settings, `ORCHESTRATOR_URL=http://127.0.0.1:9\n${mine}`);
    const status = (env = {}) => inside(['/usr/local/bin/clusterplex', 'status'], env).stderr;
    expect(status()).toContain('127.0.0.1:9');
    expect(status({ ORCHESTRATOR_URL: 'http://127.0.0.1:7' })).toContain('127.0.0.1:7');
    writeFileSync(settings, mine);
    expect(install('pms', 'worker').stdout).toContain('already in place');
    expect(readdirSync(join(root, 'etc/systemd/system')).sort()).toEqual(
      ['hook', 'relay', 'worker'].map((name) => `clusterplex-${name}.service`),
    );
    expect(readdirSync(join(root, 'opt'))).toEqual(['clusterplex']);
    expect(hook({ TRANSCODE_OPERATING_MODE: 'local' })).toBe('original a b\n');
    expect(readFileSync(join(root, 'plex/Plex Transcoder'), 'utf8')).toContain("'/opt/clusterplex/node'");

    expect(install('--uninstall')).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(root, 'plex'))).toEqual(['Plex Transcoder']);
    expect(hook({})).toBe('original a b\n');
    expect(
      filesOf(root)
        .map((file) => file.slice(root.length))
        .sort(),
    ).toEqual([...['/etc/clusterplex/clusterplex.env', '/plex/Plex Transcoder']]);
    expect(readFileSync(settings, 'utf8')).toBe(mine);
  });

  test('touches nothing where there is no Plex to hook', () => {
    rmSync(join(root, 'plex/Plex Transcoder'));
    const { status, stderr } = install('worker', 'pms');
    expect(status).toBe(2);
    expect(stderr).toContain(`there is no Plex Transcoder in ${root}/plex: install Plex Media Server first`);
    expect(filesOf(root)).toEqual([]);
  });

  test('whoever runs PMS can read it, whatever the umask of root', () => {
    const folder = join(out, 'plain', ownArchitecture());
    const mode = statSync(folder).mode;
    chmodSync(folder, 0o700);
    const words = ['-c', 'umask 077; exec "$@"', 'sh', join(folder, 'install.sh'), 'worker'];
    expect(inside(['sh', ...words])).toMatchObject({ status: 0, stderr: '' });
    chmodSync(folder, mode);
    for (const name of ['', 'node', 'clusterplex', 'worker.js']) {
      expect(statSync(join(root, 'opt/clusterplex', name)).mode & 0o004, name).toBe(0o004);
    }
  });

  test('brings what storage nodes and their clients run, and the command line starts it', () => {
    const parts = ['dfs-mount', 'dfs-probe'];
    expect(install(...parts)).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(root, 'etc/systemd/system')).sort()).toEqual(
      parts.map((name) => `clusterplex-${name}.service`),
    );
    for (const part of parts) {
      expect(inside(['/opt/clusterplex/clusterplex', part, '--help']).stdout).toContain('DFS_PROBE_MS');
    }
    expect(install('--uninstall')).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(root, 'etc/systemd/system'))).toEqual([]);
  });

  test('where s6 runs the container, the relay is a service of it, and the hook comes after updates', () => {
    // Some images have a folder for systemd, too, and nothing that reads it.
    for (const folder of ['cont-init.d', 'systemd/system'])
      mkdirSync(join(root, 'etc', folder), { recursive: true });
    const done = install('pms');
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout).not.toContain('systemctl');
    for (const file of ['cont-init.d/60-clusterplex', 'services.d/clusterplex-relay/run']) {
      expect(statSync(join(root, 'etc', file)).mode & 0o777).toBe(0o755);
    }
    expect(readdirSync(join(root, 'etc/systemd/system'))).toEqual([]);
    expect(existsSync(join(root, 'etc/clusterplex'))).toBe(false);
  });

  test.each([[[]], [['bogus']]])('%j is refused', (words) => {
    expect(install(...words).status).toBe(2);
    expect(readdirSync(join(root, 'opt'))).toEqual([]);
  });
});

test.each([
  ['demo', 'clusterplex: demo takes a checkout of the sources: npm run demo\n'],
  ['relay', `clusterplex: there is no relay in FOLDER\n`],
])('the orchestrator’s has no %s, and says so', (word, message) => {
  const folder = join(out, 'orchestrator');
  const { status, stderr } = spawnSync(join(folder, 'clusterplex'), [word], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 2, stderr: message.replace('FOLDER', folder) });
});

test('each folder has what its image or mod starts, and no more', () => {
  const programs = (folder: string): string[] =>
    readdirSync(join(out, folder)).filter((name) => /^[a-z-]+\.js$/.test(name) && !name.includes('-'));
  expect(programs('orchestrator')).toEqual(['clusterplex.js', 'health.js', 'orchestrator.js']);
  expect(programs('worker')).toEqual(['clusterplex.js', 'health.js', 'worker.js']);
  expect(programs('pms')).toEqual(['clusterplex.js', 'health.js', 'install.js', 'relay.js']);
  for (const { name, parts } of built.artefacts) {
    if (name === 'plain' || !parts.includes('clusterplex')) continue;
    expect(existsSync(join(out, name, 'node'))).toBe(false);
    for (const text of ['SBOM.json', 'LICENSES.txt']) {
      expect(readFileSync(join(out, name, text)).equals(readFileSync(join(out, text)))).toBe(true);
    }
    expect(statSync(join(out, name, 'clusterplex')).mode & 0o111).toBe(0o111);
  }
});

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
