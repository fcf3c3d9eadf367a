import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { MountProbe } from '#shared/storage/probe.ts';
import { Script } from '#shared/storage/script.ts';
import { allEnded } from '../support/processes.ts';

const path = mkdtempSync(join(tmpdir(), 'mount-probe-'));
afterAll(() => rmSync(path, { recursive: true }));

test('what a killed probe left, in this container or another, is in nobody’s way', async () => {
  const { pid } = spawnSync('/bin/true');
  // One of these is the probe's.
  for (let next = pid; next < pid + 300; next += 1)
    writeFileSync(join(path, `.clusterplex-probe-${next}`), '');
  const probe = new MountProbe({ path, mode: 'rw', optional: false }, systemClock);
  expect(await probe.run()).toMatchObject({ problem: null, unwritable: false });
  expect(readdirSync(path)).toHaveLength(300);
});

test('what hangs below the shell is killed with it, and only then another one is started', async () => {
  const pids = join(path, 'pids');
  const script = new Script('sleep 1000 & echo $! >> "$1"; wait', systemClock, 200);
  const started = () => readFileSync(pids, 'utf8').trim().split('\n').map(Number);
  expect(await script.run([pids])).toBeNull();
  await allEnded(started());
  while (started().length === 1) {
    await script.run([pids]);
    await setImmediate();
  }
  await allEnded(started());
});
