import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { VERSION } from '#shared/version.ts';
import { type Instruction, readDockerfile, substituted } from '../../../deploy/images/check/dockerfile.ts';

const FOLDER = fileURLToPath(new URL('../../../deploy/images/', import.meta.url));
const images = readdirSync(FOLDER).filter((name) => name !== 'check' && !name.includes('.'));

function instructions(image: string): Instruction[] {
  return readDockerfile(readFileSync(`${FOLDER}${image}/Dockerfile`, 'utf8'));
}

function last(image: string, name: string): string | undefined {
  return instructions(image).findLast((each) => each.name === name)?.words;
}

test.each(images)('%s: what it stands on has a version', (image) => {
  for (const { name, words } of instructions(image)) {
    if (name === 'ARG' && words.includes('=')) expect(words).toMatch(/^\w+=[\w./-]+:(version-)?\d[\w.-]*$/);
    if (name === 'FROM') expect(words).toMatch(/^\$\{\w+\}( AS \w+)?$/);
  }
});

test.each(images.filter((image) => image !== 'pms'))(
  '%s: what it starts is its own, through no shell',
  (image) => {
    const command = JSON.parse(last(image, 'ENTRYPOINT') ?? '[]');
    expect(command).toContainEqual(expect.stringMatching(/^\/opt\/clusterplex\//));
  },
);

test.each(images)('%s: nothing is fetched when it starts, nor for its health', (image) => {
  for (const name of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK']) {
    expect(last(image, name) ?? '').not.toMatch(/apt|npm|curl|wget/);
  }
});

test.each(['orchestrator', 'worker', 'dfs'])('%s is nobody’s root, and has an init that reaps', (image) => {
  expect(last(image, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(JSON.parse(last(image, 'ENTRYPOINT') ?? '[]')[0]).toMatch(/\/tini$/);
});

test.each(['orchestrator', 'worker'])('%s: its volume is for whoever it runs as', (image) => {
  const made = instructions(image).filter(({ words }) => words.includes('install -d'));
  expect(made.map(({ words }) => words)).toEqual([expect.stringMatching(/ install -d -m 1777 \S+$/)]);
});

const folders = [...images.map((image) => `images/${image}`), ...['mods/pms', 'mods/worker']];

test.each(folders)('%s says which version it is, where from and by which licence', (folder) => {
  const steps = readDockerfile(readFileSync(`${FOLDER}../${folder}/Dockerfile`, 'utf8'));
  const stage = steps.slice(steps.findLastIndex(({ name }) => name === 'FROM'));
  expect(stage).toContainEqual({ name: 'ARG', words: 'SOURCE' });
  const label = (name: string, value: string): string => `org.opencontainers.image.${name}=${value}`;
  const labels = [label('version', VERSION), label('source', 'there'), label('licenses', 'MIT')];
  const [words = ''] = stage.flatMap((step) => (step.name === 'LABEL' ? [step.words] : []));
  expect(substituted(words, { SOURCE: 'there' }).split(' ')).toEqual(labels);
});

test.each(folders)('%s: everybody may read it, whatever the umask of the checkout', (folder) => {
  const text = readFileSync(`${FOLDER}../${folder}/Dockerfile`, 'utf8');
  const copied = readDockerfile(text).filter(
    ({ name, words }) => name === 'COPY' && !words.includes('--from'),
  );
  expect(copied).not.toEqual([]);
  for (const { words } of copied) expect(words).toMatch(/^--chmod=755 /);
});

test('the worker does not look for linuxserver’s temporary directory', () => {
  expect(instructions('worker')).toContainEqual({ name: 'ENV', words: 'TMPDIR=/tmp HOME=/tmp' });
});
