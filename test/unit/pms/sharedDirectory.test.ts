import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprintOf } from '#shared/storage/fingerprint.ts';
import { SharedDirectory } from '../../../pms/relay/sharedDirectory.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const SERIES = `pms-${randomUUID()}`;
const WORKER = `worker-${randomUUID()}`;
const clock = new FakeClock();
let path: string;
let directory: SharedDirectory;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'shared-'));
  directory = shared('rw');
});

afterEach(() => {
  directory.stop();
  rmSync(path, { recursive: true, force: true });
});

function shared(mode: 'ro' | 'rw'): SharedDirectory {
  return new SharedDirectory({
    ...{ mount: { path, mode, optional: false }, series: SERIES, clock },
    ...{ logger: pino({ level: 'silent' }), changed: () => undefined },
  });
}

function proofs(...serials: readonly number[]): void {
  for (const file of readdirSync(join(path, '.clusterplex'))) {
    if (file.startsWith('worker-')) rmSync(join(path, '.clusterplex', file));
  }
  for (const serial of serials) {
    const name = `${WORKER}.${serial}`;
    writeFileSync(join(path, '.clusterplex', name), `${name}\n`);
  }
}

test('what is written has a proof of PMS in it, and tells which proofs of workers PMS sees', async () => {
  await directory.look();
  const name = `${SERIES}.1`;
  expect(directory.shared).toEqual({
    ...{ path, mode: 'rw', purpose: 'transcode', proof: name, fingerprint: null, folders: null, seen: [] },
  });
  expect(readFileSync(join(path, '.clusterplex', name), 'utf8')).toBe(`${name}\n`);
  const seen: (readonly string[] | undefined)[] = [];
  // At first the last one, then the next one; after a gap the last one again; then none.
  for (const serials of [[3, 4], [3, 4, 5], [9, 10], []]) {
    proofs(...serials);
    await directory.look();
    seen.push(directory.shared?.seen);
  }
  expect(seen).toEqual([[`${WORKER}.4`], [`${WORKER}.5`], [`${WORKER}.10`], []]);
});

test('a link that somebody put there is not followed', async () => {
  const file = join(path, 'precious');
  writeFileSync(file, 'precious');
  mkdirSync(join(path, '.clusterplex'));
  symlinkSync(file, join(path, '.clusterplex', `${SERIES}.1`));
  await directory.look();
  expect(readFileSync(file, 'utf8')).toBe('precious');
  expect(directory.shared?.proof).toBeNull();
  await directory.look();
  expect(directory.shared?.proof).toBe(`${SERIES}.2`);
});

test('nor is one in place of the directory of all proofs', async () => {
  mkdirSync(join(path, 'elsewhere'));
  symlinkSync(join(path, 'elsewhere'), join(path, '.clusterplex'));
  await directory.look();
  expect(directory.shared?.proof).toBeNull();
  expect(readdirSync(join(path, 'elsewhere'))).toEqual([]);
});

test('what is only read tells what is in it, and is not written', async () => {
  directory.stop();
  directory = shared('ro');
  await directory.look();
  expect(directory.shared).toMatchObject({ purpose: 'media', proof: null, fingerprint: null });
  mkdirSync(join(path, 'films'));
  await directory.look();
  expect(directory.shared).toMatchObject({ fingerprint: fingerprintOf(['films']), folders: null });
  writeFileSync(join(path, 'films', 'a film'), '');
  await directory.look();
  expect(directory.shared).toMatchObject({ proof: null, folders: fingerprintOf(['films/a film']) });
  expect(readdirSync(path)).toEqual(['films']);
});

test('what does not exist is not shared', async () => {
  expect(directory.shared).toBeUndefined();
  rmSync(path, { recursive: true });
  await directory.look();
  expect(directory.shared).toBeNull();
});
