import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { Mount } from '#shared/protocol/messages.ts';
import { fingerprintOf } from '#shared/storage/fingerprint.ts';
import { Storage } from '../../../worker/storage/storage.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const schema = Compile(Mount);

function storageOf(path: string): Storage {
  return new Storage({
    declared: [{ path, mode: 'ro', optional: false }],
    ...{ pathMap: [], instance: randomUUID(), clock: systemClock, changed: () => undefined },
  });
}

test('the problem of a mount may be sent, however long its path is', async () => {
  const path = `/${'x'.repeat(4_000)}`;
  const storage = storageOf(path);
  await storage.start();
  storage.stop();
  const [mount] = storage.mounts;
  expect(mount?.problem).toMatch(/^\/xxx/);
  expect(schema.Check(mount)).toBe(true);
});

test('how long the last look at a mount took is known, and nothing of one that is not there and may be', async () => {
  const storage = new Storage({
    declared: [
      { path: tmpdir(), mode: 'ro', optional: false },
      { path: '/nowhere', mode: 'ro', optional: true },
    ],
    ...{ pathMap: [], instance: randomUUID(), clock: systemClock, changed: () => undefined },
  });
  expect(storage.probes).toEqual([]);
  await storage.start();
  storage.stop();
  expect(storage.probes).toEqual([{ path: tmpdir(), ms: expect.any(Number) }]);
  expect(storage.probes[0]?.ms).toBeGreaterThan(0);
});

test('a mount for which no program can be started is a problem, and no crash', async () => {
  const storage = storageOf('/a\0b');
  await storage.start();
  storage.stop();
  expect(storage.problems).toEqual([expect.stringMatching(/could not be tried: .*null bytes/)]);
});

/** A directory of its own that jobs may write, and what PMS shares compared with it. */
async function compared(path: string) {
  const root = mkdtempSync(join(tmpdir(), 'storage-'));
  for (const name of ['mount/transcode', 'outside']) mkdirSync(join(root, name), { recursive: true });
  const storage = new Storage({
    declared: [{ path: join(root, 'mount'), mode: 'rw', optional: false }],
    ...{ pathMap: [], instance: randomUUID(), clock: systemClock, changed: () => undefined },
  });
  await storage.start();
  const shared = { path: path.replace('ROOT', root), mode: 'rw', purpose: 'transcode' } as const;
  storage.compare([
    { ...shared, proof: `pms-${randomUUID()}.1`, fingerprint: null, folders: null, seen: null },
  ]);
  await storage.start();
  storage.stop();
  const written = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /worker-/.test(name),
  );
  rmSync(root, { recursive: true });
  return { storage, written };
}

test('what PMS shares inside of a mount is compared there, and it is the mount that is no good', async () => {
  const { storage, written } = await compared('ROOT/mount/transcode');
  expect(storage.problems).toEqual([
    expect.stringMatching(/mount\/transcode is not the volume that PMS uses/),
  ]);
  expect(storage.mounts).toMatchObject([{ path: expect.stringMatching(/mount$/), type: expect.any(String) }]);
  expect(written).toEqual([expect.stringMatching(/^mount\/transcode\/.clusterplex\/worker-[0-9a-f-]+\.1$/)]);
});

test('what is said to be shared elsewhere is neither looked at nor written, however its path is spelled', async () => {
  const { storage, written } = await compared('ROOT/mount/../outside');
  expect(storage.problems).toEqual([
    expect.stringMatching(/^PMS shares .*\/mount\/\.\.\/outside \(transcode\)/),
  ]);
  expect(storage.warnings).toEqual([]);
  expect(written).toEqual([]);
});

test('a worker that can’t write its proofs says so', async () => {
  const path = mkdtempSync(join(tmpdir(), 'storage-'));
  const proof = `pms-${randomUUID()}.1`;
  mkdirSync(join(path, 'elsewhere'));
  writeFileSync(join(path, 'elsewhere', proof), `${proof}\n`);
  symlinkSync('elsewhere', join(path, '.clusterplex'));
  const storage = new Storage({
    declared: [{ path, mode: 'rw', optional: false }],
    ...{ pathMap: [], instance: randomUUID(), clock: systemClock, changed: () => undefined },
  });
  storage.compare([
    { path, mode: 'rw', purpose: 'transcode', proof, fingerprint: null, folders: null, seen: null },
  ]);
  await storage.start();
  storage.stop();
  rmSync(path, { recursive: true });
  expect(storage.problems).toEqual([]);
  expect(storage.warnings).toEqual([
    expect.stringMatching(/^nothing shows that PMS sees what is written to .*: this worker can't write to /),
  ]);
});

test('what is only read is recognised by what is in its folders, too, and that is looked at now and then', async () => {
  const path = mkdtempSync(join(tmpdir(), 'storage-'));
  mkdirSync(join(path, 'films'));
  const clock = new FakeClock();
  const storage = new Storage({
    declared: [{ path, mode: 'ro', optional: false }],
    ...{ pathMap: [], instance: randomUUID(), clock, changed: () => undefined },
  });
  const shared = { path, mode: 'ro', purpose: 'media', proof: null, seen: null } as const;
  const media = { fingerprint: fingerprintOf(['films']), folders: fingerprintOf(['films/a film']) };
  storage.compare([{ ...shared, ...media }]);
  await storage.start();
  expect(storage.problems).toEqual([
    expect.stringMatching(
      /is not the volume that PMS uses: other things are in its folders; nothing is mounted/,
    ),
  ]);
  writeFileSync(join(path, 'films', 'a film'), '');
  await storage.start();
  expect(storage.problems).toEqual([]);
  rmSync(join(path, 'films', 'a film'));
  const found: (readonly string[] | undefined)[] = [];
  for (const seconds of [29, 1]) {
    clock.time += seconds * 1_000;
    await storage.start();
    found.push(storage.problems);
  }
  storage.stop();
  rmSync(path, { recursive: true });
  expect(found).toEqual([[], [expect.stringMatching(/in its folders/)]]);
});
