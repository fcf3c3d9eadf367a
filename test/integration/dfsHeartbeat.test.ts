import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { Heartbeat } from '../../dfs/heartbeat.ts';
import { FuseMount } from '../support/fuseMount.ts';

const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, the heartbeat of a FUSE mount: ${obstacle}\n`);

const EIO = 5;
const LIMIT_MS = 1_000;

const directory = mkdtempSync(join(tmpdir(), 'dfs-heartbeat-'));
const path = join(directory, 'dfs');
const film = join(directory, 'film');
mkdirSync(path);
writeFileSync(film, 'x'.repeat(10_000));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('what is not there fails', async () => {
  expect(await new Heartbeat(join(directory, 'nowhere'), systemClock, LIMIT_MS).beat()).toBe('failed');
});

describe.runIf(obstacle === null)('the heartbeat of a mount', () => {
  test('is fine while it answers, and null while it hangs', async () => {
    const mount = await FuseMount.healthy(path, film, 'film');
    const heartbeat = new Heartbeat(path, systemClock, LIMIT_MS);
    expect(await heartbeat.beat()).toBe('fine');
    mount.hang();
    expect(await heartbeat.beat()).toBeNull();
    mount.comeBack();
    // What was asked first has to end.
    while ((await heartbeat.beat()) === null) await new Promise(setImmediate);
    mount.remove();
  });

  test('is fine though a film is damaged, also one that was not before', async () => {
    const fault = { offset: 0, read: EIO, heals: 0 } as const;
    const heartbeat = new Heartbeat(path, systemClock, LIMIT_MS);
    const whole = await FuseMount.healthy(path, film, 'film');
    while (heartbeat.file === '') expect(await heartbeat.beat()).toBe('fine');
    whole.remove();
    const damaged = await FuseMount.faulty(path, film, 'film', fault);
    while (heartbeat.file !== '') expect(await heartbeat.beat()).toBe('fine');
    for (let beats = 0; beats < 3; beats += 1) expect(await heartbeat.beat()).toBe('fine');
    damaged.remove();
  });

  test('is null while what it could read before does not answer, though the rest does', async () => {
    const fault = { offset: 0, read: 'hang', heals: 0 } as const;
    const heartbeat = new Heartbeat(path, systemClock, LIMIT_MS);
    const never = await FuseMount.faulty(path, film, 'film', fault);
    // It never could.
    for (let beats = 0; beats < 3; beats += 1) expect(await heartbeat.beat()).toBe('fine');
    never.remove();
    const whole = await FuseMount.healthy(path, film, 'film');
    const now = new Heartbeat(path, systemClock, LIMIT_MS);
    while (now.file === '') expect(await now.beat()).toBe('fine');
    whole.remove();
    const again = await FuseMount.faulty(path, film, 'film', fault);
    let last: string | null = 'fine';
    while (last !== null) last = await now.beat();
    again.remove();
  });
});
