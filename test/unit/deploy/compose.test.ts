import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { drainTimeout } from '#shared/settings/common.ts';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { VERSION } from '#shared/version.ts';

const FOLDER = fileURLToPath(new URL('../../../deploy/compose/', import.meta.url));
const EXAMPLE = readFileSync(`${FOLDER}.env.example`, 'utf8');

/** Of linuxserver's image, and of every container. */
const FOREIGN = ['VERSION', 'PUID', 'PGID', 'PLEX_CLAIM', 'DOCKER_MODS', 'TZ'];

interface Service {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly (string | Volume)[];
  readonly secrets?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly stop_grace_period?: string;
  readonly privileged?: boolean;
}

interface Volume {
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}

interface File {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const reset = { tag: '!reset', resolve: () => null };
const read = (name: string): File =>
  parse(readFileSync(FOLDER + name, 'utf8'), { merge: true, customTags: [reset] });
const services = files.flatMap((file) =>
  Object.entries(read(file).services).map(([name, service]) => ({ file, name, ...service })),
);
const whole = services.filter(({ file }) => ['compose.yaml', 'compose.workers.yaml'].includes(file));

/** Nobody has published them: whoever runs them says where they are. */
function ours(names: string): RegExp {
  return new RegExp(`^\\$\\{REGISTRY:-ghcr\\.io/clusterplex-ts\\}/(${names}):${VERSION}$`);
}

function of(file: string, name: string): Service {
  const service = read(file).services[name];
  if (!service) throw new Error(`${file} has no ${name}`);
  return service;
}

function shared({ volumes = [] }: Service): Volume[] {
  return volumes.filter((volume) => typeof volume !== 'string');
}

test.each(services)('$file: the settings of $name are settings', ({ environment = {} }) => {
  for (const name of Object.keys(environment)) {
    expect([...KNOWN_SETTINGS, ...FOREIGN]).toContain(name.replace(/_FILE$/, ''));
  }
});

test.each(services)('$file: the image of $name has a version, and ours is this one', ({ image }) => {
  if (image === undefined || image.includes('{PLEX_IMAGE}')) return;
  expect(image).toMatch(ours('pms|orchestrator|worker'));
});

test('mods have this version, too', () => {
  for (const { environment: { DOCKER_MODS: mods } = {} } of services) {
    if (mods) expect(mods).toMatch(ours('mod-pms|mod-worker'));
  }
});

test.each(whole)('$file: $name has the token, from a file', ({ file, environment, secrets }) => {
  expect(environment?.['CLUSTERPLEX_TOKEN_FILE']).toBe('/run/secrets/clusterplex_token');
  expect(secrets).toContain('clusterplex_token');
  expect(read(file).secrets).toHaveProperty('clusterplex_token');
});

test('PMS and workers have the same directories under the same paths', () => {
  const plex = of('compose.yaml', 'plex');
  for (const file of ['compose.yaml', 'compose.workers.yaml']) {
    const worker = of(file, 'worker');
    expect(shared(worker).map(({ target, read_only }) => [target, read_only])).toEqual(
      shared(plex).map(({ target, read_only }) => [target, read_only]),
    );
    expect(worker.environment?.['MOUNTS']).toBe(plex.environment?.['MOUNTS']);
  }
  expect(shared(of('compose.yaml', 'worker'))).toEqual(shared(plex));
});

test.each(whole.filter(({ environment }) => environment?.['MOUNTS']))(
  '$file: MOUNTS of $name are what it has, in the same mode',
  (service) => {
    const mounted = shared(service).map(({ target, read_only }) => `${target}:${read_only ? 'ro' : 'rw'}`);
    expect(service.environment?.['MOUNTS']).toBe(mounted.join(','));
  },
);

test.each(whole.filter(({ name }) => name === 'worker'))(
  '$file: a worker that is told to stop may drain',
  ({ environment, stop_grace_period: grace }) => {
    expect(Number(environment?.['DRAIN_TIMEOUT_MS'])).toBe(drainTimeout.absent);
    expect(grace).toMatch(/^\d+m$/);
    expect(Number.parseInt(grace ?? '', 10) * 60_000).toBeGreaterThan(Number(drainTimeout.absent));
  },
);

test.each(whole.filter(({ name }) => name !== 'plex'))(
  '$file: $name may do nothing that it need not',
  ({ user, read_only, cap_drop, privileged }) => {
    expect(user).toMatch(/^\$\{PUID:-1000\}:/);
    expect({ read_only, cap_drop, privileged }).toEqual({ read_only: true, cap_drop: ['ALL'] });
  },
);

test('no service has a name that a link would make a setting of', () => {
  for (const { name } of services) {
    expect(KNOWN_SETTINGS).not.toContain(`${name.toUpperCase().replaceAll('-', '_')}_PORT`);
  }
});

test.each(files)('%s asks for nothing that .env.example does not name', (file) => {
  for (const [, name] of readFileSync(FOLDER + file, 'utf8').matchAll(/\$\{(\w+)/g)) {
    expect(EXAMPLE).toMatch(new RegExp(`^#?${name}=`, 'm'));
  }
});

// Debian's client has no compose.
if (spawnSync('docker', ['compose', 'version']).status === 0) {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', RENDER_GID: '109', ORCHESTRATOR_URL: 'http://o:3500' };
  const bases = ['compose.yaml', 'compose.workers.yaml', 'compose.yaml compose.mods.yaml'];
  const overlays = ['', ' compose.nvidia.yaml', ' compose.intel.yaml'];
  const sets = bases.flatMap((base) => overlays.map((overlay) => `${base}${overlay}`));
  test.each(sets)('docker compose takes %s', (names) => {
    const words = names.split(' ').flatMap((name) => ['-f', FOLDER + name]);
    execFileSync('docker', ['compose', '--env-file', `${FOLDER}.env.example`, ...words, 'config', '-q'], {
      env,
    });
  });
}
