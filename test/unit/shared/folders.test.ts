import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { isAlike } from '#shared/storage/fingerprint.ts';
import { FOLDERS_FINGERPRINT_SIZE, Folders } from '#shared/storage/folders.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'folders-'));
});

afterEach(() => rmSync(root, { recursive: true }));

/** A directory with these files. */
async function fingerprint(of: string, ...files: readonly string[]): Promise<readonly string[]> {
  for (const file of files) {
    mkdirSync(join(root, of, file, '..'), { recursive: true });
    writeFileSync(join(root, of, file), '');
  }
  return (await new Folders(join(root, of), systemClock).fingerprint()) ?? [];
}

const LIBRARY = ['a film.mkv', 'films/one', 'films/two', 'films/three', 'my\nmusic/one', 'series/a "b"\n/c'];

test('two directories with the same names at the top are told apart by what is in their folders', async () => {
  const library = await fingerprint('library', ...LIBRARY);
  expect(library).toHaveLength(4);
  expect(await fingerprint('copy', ...LIBRARY)).toEqual(library);
  expect(isAlike(await fingerprint('newer', ...LIBRARY, 'films/four'), library)).toBe(true);
  const others = await fingerprint('others', ...LIBRARY.map((name) => name.replace(/[^/]*$/, 'other $&')));
  expect(isAlike(others, library)).toBe(false);
  mkdirSync(join(root, 'skeleton/films'), { recursive: true });
  expect(isAlike(await fingerprint('skeleton'), library)).toBe(false);
});

test('of many folders the first few are read, whatever their size, and links lead nowhere', async () => {
  const films = Array.from({ length: 250 }, (_, film) => `films/${film}`);
  const folders = Array.from({ length: 40 }, (_, folder) => `folder ${folder}/film`);
  const large = await fingerprint('large', ...films, ...folders);
  expect(large).toHaveLength(4 + 7);
  expect(large.length).toBeLessThanOrEqual(FOLDERS_FINGERPRINT_SIZE);
  symlinkSync(join(root, 'large/films'), join(root, 'large/a link'));
  expect(await fingerprint('large')).toEqual(large);
});

test('what is not there tells nothing', async () => {
  expect(await fingerprint('nowhere')).toEqual([]);
});
