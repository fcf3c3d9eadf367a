import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundle } from '../../../deploy/artefacts/bundle.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bundle-'));
  mkdirSync(join(root, 'part'));
});

afterEach(() => rmSync(root, { recursive: true }));

function source(name: string, text: string): void {
  writeFileSync(join(root, 'part', name), text);
}

async function bundled(): Promise<Record<string, string>> {
  const { files } = await bundle(root, 'part', 'part/main.ts');
  return Object.fromEntries([...files].map(([name, contents]) => [name, Buffer.from(contents).toString()]));
}

test('what is imported only when it is asked for is a file of its own', async () => {
  source('main.ts', "if (process.argv[2]) void import('./heavy.ts');");
  source('heavy.ts', "console.log('heavy');");
  const { 'part.js': part, ...others } = await bundled();
  expect(part).not.toContain("'heavy'");
  expect(Object.keys(others)).toEqual([expect.stringMatching(/^heavy-\w+\.js$/)]);
});

test('programs that it starts, and those that they start, lie beside it under names of their own', async () => {
  source('main.ts', "console.log(new URL('thread.ts', import.meta.url));");
  source('thread.ts', "console.log(new URL('task.ts', import.meta.url));");
  source('task.ts', "console.log('task');");
  const files = await bundled();
  expect(Object.keys(files)).toEqual(['part.js', 'part-thread.js', 'part-task.js']);
  expect(files['part.js']).toContain('"./part-thread.js"');
  expect(files['part-thread.js']).toContain('"./part-task.js"');
});

test('a text that it reads is in it; a folder lies beside it', async () => {
  source(
    'main.ts',
    `import { readFileSync } from 'node:fs';
     console.log(readFileSync(new URL('names.txt', import.meta.url), 'utf8'), new URL('clips/', import.meta.url));`,
  );
  source('names.txt', 'one of the names');
  mkdirSync(join(root, 'part/clips'));
  source('clips/a.mkv', 'a clip');
  const files = await bundled();
  expect(files['part.js']).toContain('one of the names');
  expect(files['part.js']).toContain('"./part-clips/"');
  expect(files['part-clips/a.mkv']).toBe('a clip');
});

test('a module that looks for its surroundings in another way is refused, not broken', async () => {
  source('main.ts', 'console.log(import.meta.dirname);');
  await expect(bundled()).rejects.toThrow(
    'part/main.ts uses import.meta in a way that the build does not know',
  );
});
