import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FuseMount } from '../support/fuseMount.ts';

const SCRIPT = fileURLToPath(new URL('../../deploy/host/clusterplex-dfs-exports', import.meta.url));
const obstacle = await FuseMount.obstacle();
if (obstacle !== null) process.stderr.write(`NOT TESTED, what is exported of a FUSE mount: ${obstacle}\n`);

test.runIf(obstacle === null)(
  'what is mounted before findmnt looks is exported, too, and its end is the end',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dfs-exports-'));
    const [bin, path, film] = ['bin', 'dfs', 'film'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    for (const each of [bin, path]) mkdirSync(each);
    writeFileSync(film, 'film');
    for (const [name, text] of [
      ['exportfs', 'echo "$@"'],
      // It knows the table by then, and nothing changes any more.
      ['findmnt', `while [ -e ${film} ]; do /bin/sleep 0.05; done`],
      ['sleep', 'exec /bin/sleep 0.05'],
    ]) {
      writeFileSync(join(bin, name ?? ''), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    }
    const script = spawn('/bin/sh', [SCRIPT, path], {
      env: { PATH: `${bin}:/usr/bin:/bin` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => script.once('exit', resolve));
    const said = createInterface(script.stdout)[Symbol.asyncIterator]();
    expect(await said.next()).toMatchObject({ value: '-f' });
    const mount = await FuseMount.healthy(path, film, 'film');
    expect(await said.next()).toMatchObject({ value: '-ra' });
    expect(await said.next()).toMatchObject({ value: '-f' });
    mount.remove();
    expect(await said.next()).toMatchObject({ value: '-f' });
    rmSync(film);
    expect(await ended).toBe(1);
    expect(await said.next()).toMatchObject({ done: true });
    rmSync(directory, { recursive: true });
  },
);
