import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeIn, readDoc, rowsOf, sectionOf } from './markdown.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const source = ['orchestrator', 'worker', 'pms', 'shared']
  .flatMap((part) =>
    readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' }).map((file) => join(part, file)),
  )
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n');

/** An ellipsis stands for whatever a message names there. */
function isSaid(text: string): boolean {
  return text.split('…').every((piece) => source.includes(piece.trim()));
}

const texts = rowsOf(sectionOf(readDoc('troubleshooting.md'), 'What our parts say')).flatMap(([text = '']) =>
  codeIn(text),
);

test.each(texts)('a part says: %s', (text) => {
  expect(isSaid(text)).toBe(true);
});

test('every setting, check and metric that the pages for users name exists', () => {
  const configuration = readDoc('configuration.md');
  for (const page of ['troubleshooting.md', 'operations.md', 'from-clusterplex.md']) {
    const names = codeIn(readDoc(page)).flatMap(
      (code) => code.match(/\b(?:[A-Z]+_[A-Z_]+|clusterplex_[a-z_]+)\b/g) ?? [],
    );
    for (const name of names.filter((each) => !FOREIGN.includes(each)))
      expect([page, name, configuration.includes(name)]).toEqual([page, name, true]);
  }
});

/** Of Docker, LinuxServer's images and NVIDIA's runtime. */
const FOREIGN = ['DOCKER_MODS', 'NVIDIA_DRIVER_CAPABILITIES'];
