import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { fileRules, rules } from '../../deploy/check/rules/index.ts';

const guide = read('README.md');
const compose = read('compose/README.md');
const services = read('systemd/README.md');

it('the guide says why each rule is there', () => {
  for (const { name } of [...rules, ...fileRules]) expect(guide).toContain(`\`${name}\``);
});

it('the guides build images, which nobody has published, first, and claim last', () => {
  const kubernetes = [
    'npm run build',
    'kubectl apply -k deploy/base',
    'from plex.tv/claim',
    'rollout restart',
  ];
  expectOrder(guide, kubernetes);
  const steps = ['npm run build', 'docker compose build', 'PLEX_CLAIM', 'docker compose up -d'];
  expectOrder(compose, steps);
});

it('each way says which directory PMS is to transcode in', () => {
  for (const text of [guide, compose, services]) {
    expect(text).toMatch(/Settings[^.:]*Transcoder temporary directory\S* ?(?:_?:|to) `\/transcode`/);
  }
});

it('everything that has a Dockerfile is built by a line of the guide', () => {
  const images = read('images/README.md');
  const [built = [], mods = []] = [...images.matchAll(/^for name in (.*); do\n.*\/(\w+)\/\$name/gm)].map(
    ([, names = '']) => names.split(' ').sort(),
  );
  expect(built).toEqual(foldersIn('images/'));
  expect(mods).toEqual(foldersIn('mods/'));
});

it('the guides say what players call PMS by, and what Prometheus selects by', () => {
  for (const text of [guide, compose]) expect(text).toContain('Custom server access URLs');
  expect(guide).toContain('release:');
});

it('the guide says what homelab is without KEDA, and where Flux looks for it', () => {
  const scale = read('overlays/homelab/scale/scale.yaml');
  expect(scale).toContain('scalable: infra');
  const change = [
    'components/keda/core',
    'components/keda/workers',
    'scalable: local',
    'apply: { statefulSet:',
  ];
  for (const words of change) expect(guide).toContain(words);
  for (const [, name] of read('components/flux/kustomizations.yaml').matchAll(
    /GitRepository\n\s+name: (.*)/g,
  )) {
    expect(guide).toMatch(new RegExp(`GitRepository \`${name}\``));
  }
});

it('the guide says what homelab waits for: each mount, and the pod beside PMS', () => {
  const site = new Map(
    [...read('overlays/homelab/site/homelab.env').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
  const mounts = [...(site.get('MOUNTS') ?? '').matchAll(/\/mnt(\/[^:]+):/g)].map(([, path]) => path);
  expect(mounts).not.toEqual([]);
  for (const path of mounts) {
    expect(guide).toMatch(new RegExp(`mount(ed)? at\\s+\`${site.get('MOUNTS_DIRECTORY')}${path}\``));
  }
  expect(guide).toContain(`app.kubernetes.io/name: ${site.get('DFS_APP')}`);
  expect(guide).toContain(`namespace \`${site.get('DFS_APP_NAMESPACE')}\``);
});

it('the settings of a worker on another host have another name', () => {
  const names = [...read('compose/.env.example').matchAll(/^#?WORKER_NAME=(.*)$/gm)].map(([, name]) => name);
  expect(names).toHaveLength(2);
  expect(new Set(names).size).toBe(2);
});

function read(file: string): string {
  return readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
}

/** Those that have a Dockerfile. */
function foldersIn(folder: string): string[] {
  return globSync('*/Dockerfile', { cwd: new URL(`../../deploy/${folder}`, import.meta.url) })
    .map(dirname)
    .sort();
}

function expectOrder(text: string, steps: readonly string[]): void {
  const places = steps.map((step) => text.indexOf(step));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
}
