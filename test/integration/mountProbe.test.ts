import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { MountProbe } from '#shared/storage/probe.ts';

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
