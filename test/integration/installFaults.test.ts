import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { type PmsHost, test } from '../support/pmsHost.ts';

const MARKER = 'CLUSTERPLEX-HOOK';

/** The calls by which the installer changes something. */
const CALLS = ['linkSync', 'renameSync', 'rmSync', 'writeSync'];

/** Loaded before the installer: dies, as with kill -9, before the call of this number. */
function dieBefore(pms: PmsHost, number: number): string[] {
  const path = join(pms.directory, 'die.mjs');
  writeFileSync(
    path,
    `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    let left = ${number};
    for (const name of ${JSON.stringify(CALLS)}) {
      const real = fs[name];
      fs[name] = (...args) => {
        left -= 1;
        if (left === 0) process.kill(process.pid, 'SIGKILL');
        return real(...args);
      };
    }
    syncBuiltinESMExports();`,
  );
  return ['--import', path];
}

function withoutHardLinks(pms: PmsHost): string[] {
  const path = join(pms.directory, 'nolinks.mjs');
  writeFileSync(
    path,
    `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    fs.linkSync = () => { throw Object.assign(new Error('no links here'), { code: 'EPERM' }); };
    syncBuiltinESMExports();`,
  );
  return ['--import', path];
}

/** `echo`, so that a run shows what came through. */
function putTranscoder(pms: PmsHost, version: string): Buffer {
  const next = join(pms.directory, 'next');
  copyFileSync('/usr/bin/echo', next);
  writeFileSync(next, version, { flag: 'a' });
  const content = readFileSync(next);
  renameSync(next, join(pms.plex, 'Plex Transcoder'));
  return content;
}

/** What must hold at every moment: PMS has something that works, and `program` is not lost. */
async function expectWorking(pms: PmsHost, program: Buffer): Promise<void> {
  const path = join(pms.plex, 'Plex Transcoder');
  const run = pms.start(path, { argv: ['a', 'b'], env: { TRANSCODE_OPERATING_MODE: 'local' } });
  const { code, stdout, stderr } = await run.exited;
  expect({ code, stdout: stdout.toString(), stderr: stderr.toString() }).toEqual({
    code: 0,
    stdout: 'a b\n',
    stderr: '',
  });
  const found = readFileSync(path);
  const kept = found.includes(MARKER) ? readFileSync(join(pms.plex, 'originalTranscoder')) : found;
  expect(kept.equals(program)).toBe(true);
}

describe('killed before any of its steps', () => {
  test('the installation harms nothing, and the next one completes it', { timeout: 120_000 }, async ({
    pms,
  }) => {
    let kills = 0;
    for (let version = 1; ; version += 1) {
      const program = putTranscoder(pms, `version ${version}`);
      const { code, signal } = await pms.install([], {}, dieBefore(pms, version));
      await expectWorking(pms, program);
      if (code === 0) break;
      expect(signal).toBe('SIGKILL');
      kills += 1;
      expect(await pms.install()).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(join(pms.plex, 'originalTranscoder')).equals(program)).toBe(true);
      expect(readdirSync(pms.plex).filter((name) => name.startsWith('.'))).toEqual([]);
    }
    expect(kills).toBeGreaterThan(5);
  });

  test('the first installation, too', { timeout: 120_000 }, async ({ pms }) => {
    let kills = 0;
    for (let number = 1; ; number += 1) {
      const program = putTranscoder(pms, '');
      const { code } = await pms.install([], {}, dieBefore(pms, number));
      await expectWorking(pms, program);
      if (code === 0) break;
      kills += 1;
      expect(await pms.install(['--uninstall'])).toMatchObject({ code: 0, stderr: '' });
      expect(readdirSync(pms.plex)).toEqual(['Plex Transcoder']);
    }
    expect(kills).toBeGreaterThan(5);
  });

  test('the way back, too', { timeout: 120_000 }, async ({ pms }) => {
    const program = putTranscoder(pms, '');
    let kills = 0;
    for (let number = 1; ; number += 1) {
      await pms.install();
      const { code } = await pms.install(['--uninstall'], {}, dieBefore(pms, number));
      await expectWorking(pms, program);
      if (code === 0) break;
      kills += 1;
      expect(await pms.install(['--uninstall'])).toMatchObject({ code: 0, stderr: '' });
      expect(readdirSync(pms.plex)).toEqual(['Plex Transcoder']);
    }
    expect(kills).toBeGreaterThan(3);
  });
});

test('installations and the way back at the same time do no harm', async ({ pms }) => {
  const program = putTranscoder(pms, '');
  const runs = ['', '', '--uninstall', '', '--uninstall', '', '', '--uninstall'];
  const ends = await Promise.all(runs.map((option) => pms.install(option ? [option] : [])));
  expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
    runs.map(() => ({ code: 0, stderr: '' })),
  );
  await expectWorking(pms, program);
  expect(readdirSync(pms.plex).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('who may not write there is told who may', async ({ pms }) => {
  putTranscoder(pms, '');
  const path = join(pms.directory, 'denied.mjs');
  writeFileSync(
    path,
    `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    fs.readdirSync = () => { throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }); };
    syncBuiltinESMExports();`,
  );
  expect(await pms.install([], {}, ['--import', path])).toMatchObject({
    code: 70,
    stderr: 'EACCES: permission denied (run it as root, or as the owner of TRANSCODER_PATH)\n',
  });
});

test('works where there are no hard links', async ({ pms }) => {
  const old = putTranscoder(pms, 'old');
  expect((await pms.install([], {}, withoutHardLinks(pms))).code).toBe(0);
  await expectWorking(pms, old);
  const updated = putTranscoder(pms, 'new');
  expect((await pms.install([], {}, withoutHardLinks(pms))).code).toBe(0);
  await expectWorking(pms, updated);
  expect((await pms.install(['--uninstall'], {}, withoutHardLinks(pms))).code).toBe(0);
  await expectWorking(pms, updated);
});

test('watching, it puts the hook back after an update', async ({ pms }) => {
  putTranscoder(pms, 'old');
  const install = fileURLToPath(new URL('../../pms/install.ts', import.meta.url));
  const watcher = spawn(process.execPath, [install, '--watch'], {
    env: { TRANSCODER_PATH: pms.plex },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => watcher.once('exit', (code, signal) => resolve({ code, signal })));
  try {
    const lines = createInterface(watcher.stdout)[Symbol.asyncIterator]();
    const installed = async (): Promise<void> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error('the watcher has ended');
        if (String(value).startsWith('put the hook in place')) return;
      }
    };
    await installed();
    const updated = putTranscoder(pms, 'new');
    await installed();
    await expectWorking(pms, updated);
    expect(readFileSync(join(pms.plex, 'Plex Transcoder'), 'utf8')).toContain(MARKER);
  } finally {
    watcher.kill('SIGTERM');
  }
  expect(await exited).toEqual({ code: 0, signal: null });
});
