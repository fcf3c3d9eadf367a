import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SERVICES = 'etc/s6-overlay/s6-rc.d';

/** What linuxserver's image has, and a mod only adds to or replaces a file of. */
const THEIRS = ['init-mods-end', 'user', 'svc-plex'];
const THEIR_ORDER = ['init-mods', 'init-mods-package-install', 'init-services'];

const services = ['pms', 'worker'].flatMap((mod) => {
  const folder = join(ROOT, 'deploy/mods', mod, 'root', SERVICES);
  return readdirSync(folder).map((name) => ({ mod, name, folder: join(folder, name), all: folder }));
});
const ours = services.filter(({ name }) => !THEIRS.includes(name));
const scripts = services.map(({ folder }) => join(folder, 'run')).filter((file) => existsSync(file));

function read(...path: string[]): string {
  return readFileSync(join(...path), 'utf8');
}

test.each(ours)('$mod: s6 knows what $name is, and starts it', ({ name, folder, all }) => {
  const type = read(folder, 'type').trim();
  expect(type).toBe(name.startsWith('init-') ? 'oneshot' : 'longrun');
  if (type === 'oneshot') expect(read(folder, 'up')).toBe(`/${SERVICES}/${name}/run\n`);
  expect(existsSync(join(all, 'user/contents.d', name))).toBe(true);
});

test.each(ours)('$mod: $name comes after what is there', ({ folder }) => {
  const before = readdirSync(join(folder, 'dependencies.d'));
  expect(before).not.toEqual([]);
  for (const name of before) expect(THEIR_ORDER).toContain(name);
});

test.each(ours.filter(({ name }) => name.startsWith('init-')))(
  '$mod: PMS waits for $name, which can’t fail',
  ({ name, folder, all }) => {
    expect(existsSync(join(all, 'init-mods-end/dependencies.d', name))).toBe(true);
    expect(read(folder, 'run')).toMatch(/\nexit 0\n$/);
  },
);

test('the relay says when it is ready', () => {
  const relay = join(ROOT, 'deploy/mods/pms/root', SERVICES, 'svc-mod-plex-clusterplex-relay');
  expect(read(relay, 'notification-fd')).toBe('3\n');
  expect(read(relay, 'run')).toContain('s6-notifyoncheck');
});

test.each(scripts)('%s can be executed, has its container’s environment, and fetches nothing', (file) => {
  expect(statSync(file).mode & 0o111).toBe(0o111);
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(/^#!\/usr\/bin\/with-contenv bash\n/);
  expect(text).not.toMatch(/\b(apt|apt-get|npm|curl|wget)\b/);
});

// CI installs nothing for it.
if (spawnSync('shellcheck', ['--version']).status === 0) {
  test.each([
    ...scripts,
    join(ROOT, 'deploy/install.sh'),
    join(ROOT, 'deploy/images/check/units.sh'),
    join(ROOT, 'deploy/artefacts/clusterplex'),
  ])('shellcheck has nothing to say of %s', (file) => {
    expect(spawnSync('shellcheck', [file], { encoding: 'utf8' }).stdout).toBe('');
  });
}

test.each(['pms', 'worker'])('the mod %s is one layer: linuxserver’s script takes no other', (mod) => {
  const [, last = ''] = read(ROOT, 'deploy/mods', mod, 'Dockerfile').split(/\nFROM scratch\n/);
  expect(last.match(/^(COPY|ADD|RUN) .*$/gm)).toEqual(['COPY --from=files / /']);
});
