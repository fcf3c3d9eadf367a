import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { byteString } from '#shared/bytes.ts';
import { type PmsHost, test } from '../support/pmsHost.ts';

const LOCAL = { TRANSCODE_OPERATING_MODE: 'local' };
const SCRIPT = '#!/bin/sh\necho another project\n';

/** A program that PMS could start: `env` lists its environment, `echo` its arguments. */
function putTranscoder(pms: PmsHost, program: 'env' | 'echo', version = ''): Buffer {
  const path = join(pms.plex, 'Plex Transcoder');
  const next = join(pms.directory, 'next');
  copyFileSync(`/usr/bin/${program}`, next);
  // A program doesn't mind what stands after its end.
  if (version) writeFileSync(next, version, { flag: 'a' });
  renameSync(next, path);
  return readFileSync(path);
}

const at = (pms: PmsHost, name: string): string => join(pms.plex, name);
const transcoder = (pms: PmsHost): string => at(pms, 'Plex Transcoder');
const original = (pms: PmsHost): string => at(pms, 'originalTranscoder');

function listing(directory: string): Record<string, string> {
  const names = readdirSync(directory).sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(directory, name)).toString('base64')]),
  );
}

describe.concurrent('the installer', () => {
  test('puts the hook in place, and the original beside it', async ({ pms }) => {
    const program = putTranscoder(pms, 'echo');
    const { code, stdout, stderr } = await pms.install();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`put the hook in place as ${transcoder(pms)}`);
    expect(readdirSync(pms.plex).sort()).toEqual([
      'Plex Transcoder',
      'clusterplex-hook.cjs',
      'originalTranscoder',
    ]);
    expect(readFileSync(original(pms)).equals(program)).toBe(true);
    expect(readFileSync(transcoder(pms), 'utf8')).toContain('CLUSTERPLEX-HOOK');
    const relay = await pms.relay();
    const argv = ['-i', byteString(Buffer.from('\xe9', 'latin1')), '', "it's $HOME\n", 'x'.repeat(100_000)];
    const hook = pms.start(transcoder(pms), { argv });
    const { job, connection } = await relay.job();
    expect(job.argv).toEqual(argv);
    connection.send({ type: 'exit', code: 7 });
    expect(await hook.exited).toMatchObject({ code: 7, stderr: Buffer.alloc(0) });
  });

  test('does nothing the second time', async ({ pms }) => {
    putTranscoder(pms, 'echo');
    await pms.install();
    const state = () => readdirSync(pms.plex).map((name) => [name, lstatSync(at(pms, name)).ino]);
    const before = state();
    expect(await pms.install()).toMatchObject({ code: 0, stdout: 'already in place\n', stderr: '' });
    expect(state()).toEqual(before);
  });

  test('adopts what an update of Plex has put in place', async ({ pms }) => {
    const old = putTranscoder(pms, 'echo', 'old');
    await pms.install();
    const updated = putTranscoder(pms, 'echo', 'new');
    expect((await pms.install()).stdout).toContain('updated');
    expect(readFileSync(original(pms)).equals(updated)).toBe(true);
    expect(readFileSync(`${original(pms)}.previous`).equals(old)).toBe(true);
    expect(readFileSync(transcoder(pms), 'utf8')).toContain('CLUSTERPLEX-HOOK');
  });

  test('an update to the same program leaves no copy behind', async ({ pms }) => {
    putTranscoder(pms, 'echo');
    await pms.install();
    putTranscoder(pms, 'echo');
    expect((await pms.install()).code).toBe(0);
    expect(existsSync(`${original(pms)}.previous`)).toBe(false);
  });

  test('renews an older wrapper and an older hook', async ({ pms }) => {
    putTranscoder(pms, 'echo');
    await pms.install();
    const installed = listing(pms.plex);
    writeFileSync(transcoder(pms), '#!/bin/sh\n# CLUSTERPLEX-HOOK\n');
    writeFileSync(at(pms, 'clusterplex-hook.cjs'), '');
    expect((await pms.install()).code).toBe(0);
    expect(listing(pms.plex)).toEqual(installed);
  });

  test('can be undone, without a trace', async ({ pms }) => {
    putTranscoder(pms, 'echo');
    const before = listing(pms.plex);
    await pms.install();
    expect(await pms.install(['--uninstall'])).toMatchObject({ code: 0, stderr: '' });
    expect(listing(pms.plex)).toEqual(before);
    expect(await pms.install(['--uninstall'])).toMatchObject({ code: 0, stdout: 'nothing to undo\n' });
    expect(listing(pms.plex)).toEqual(before);
  });

  test('undoing after an update keeps the update', async ({ pms }) => {
    putTranscoder(pms, 'echo', 'old');
    await pms.install();
    putTranscoder(pms, 'echo', 'new');
    const { 'Plex Transcoder': updated } = listing(pms.plex);
    await pms.install(['--uninstall']);
    expect(listing(pms.plex)).toEqual({ 'Plex Transcoder': updated });
  });

  test('never moves another project’s script over the original', async ({ pms }) => {
    const program = putTranscoder(pms, 'echo');
    renameSync(transcoder(pms), original(pms));
    writeFileSync(transcoder(pms), SCRIPT, { mode: 0o755 });
    expect((await pms.install()).code).toBe(0);
    expect(readFileSync(original(pms)).equals(program)).toBe(true);
    expect(readFileSync(`${transcoder(pms)}.previous`, 'utf8')).toBe(SCRIPT);
    expect(readFileSync(transcoder(pms), 'utf8')).toContain('CLUSTERPLEX-HOOK');
  });

  test('leaves the original to another project’s script that came later', async ({ pms }) => {
    const program = putTranscoder(pms, 'echo');
    await pms.install();
    writeFileSync(transcoder(pms), SCRIPT, { mode: 0o755 });
    expect((await pms.install(['--uninstall'])).code).toBe(0);
    expect(readFileSync(transcoder(pms), 'utf8')).toBe(SCRIPT);
    expect(readFileSync(original(pms)).equals(program)).toBe(true);
  });

  test('takes a script for the original where there is no other', async ({ pms }) => {
    writeFileSync(transcoder(pms), SCRIPT, { mode: 0o755 });
    expect((await pms.install()).code).toBe(0);
    const { stdout } = await pms.start(transcoder(pms), { argv: ['a'], env: LOCAL }).exited;
    expect(stdout.toString()).toBe('another project\n');
    await pms.install(['--uninstall']);
    expect(listing(pms.plex)).toEqual({ 'Plex Transcoder': Buffer.from(SCRIPT).toString('base64') });
  });

  test('finds the original that a first, interrupted installation made', async ({ pms }) => {
    const program = putTranscoder(pms, 'echo');
    linkSync(transcoder(pms), original(pms));
    expect((await pms.install()).code).toBe(0);
    expect(readFileSync(original(pms)).equals(program)).toBe(true);
    expect(readdirSync(pms.plex).length).toBe(3);
  });

  test.for<[string, (pms: PmsHost) => void, string]>([
    ['there is no transcoder', () => {}, 'TRANSCODER_PATH'],
    [
      'the original is gone',
      (pms) => writeFileSync(transcoder(pms), '# CLUSTERPLEX-HOOK'),
      'reinstall Plex Media Server',
    ],
    [
      'the original is the hook',
      (pms) => {
        putTranscoder(pms, 'echo');
        writeFileSync(original(pms), '# CLUSTERPLEX-HOOK');
      },
      'not the original',
    ],
  ])('fails with 70 and changes nothing when %s', async ([, prepare, message], { pms }) => {
    prepare(pms);
    const before = listing(pms.plex);
    const { code, stderr } = await pms.install();
    expect(code).toBe(70);
    expect(stderr).toContain(message);
    expect(listing(pms.plex)).toEqual(before);
  });

  test.for<[string, string[], Record<string, string>, string]>([
    ['an option that there is not', ['--force'], {}, "Unknown option '--force' (see --help)\n"],
    ['a word too many', ['now'], {}, "Unexpected argument 'now' (see --help)\n"],
    ['two options that exclude each other', ['--uninstall', '--watch'], {}, 'exclude each other'],
    ['a directory that is not there', [], { TRANSCODER_PATH: '/nonexistent' }, 'there is no /nonexistent'],
    [
      'a file in place of its directory',
      [],
      { TRANSCODER_PATH: '/etc/passwd' },
      'TRANSCODER_PATH is a file: set its directory\n',
    ],
    ['the transcoder’s own name', [], { TRANSCODER_LOCAL_NAME: 'Plex Transcoder' }, 'Plex Transcoder'],
    ['a slip of the pen', [], { TRANSCODER_PATHS: '/x' }, 'TRANSCODER_PATHS is unknown'],
  ])('exits with 2 on %s', async ([, args, env, message], { pms }) => {
    const { code, stderr, stdout } = await pms.install(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test.for([[], ['--uninstall']])(
    'another name of the original than that of the hook in place is told: %j',
    async (args, { pms }) => {
      putTranscoder(pms, 'echo');
      await pms.install([], { TRANSCODER_LOCAL_NAME: "it's kept" });
      const before = listing(pms.plex);
      expect(await pms.install(args)).toMatchObject({
        code: 2,
        stderr:
          "TRANSCODER_LOCAL_NAME is wrong: the hook in place uses it's kept (set TRANSCODER_LOCAL_NAME to it)\n",
      });
      expect(listing(pms.plex)).toEqual(before);
    },
  );

  test('says what remains to do, once', async ({ pms }) => {
    putTranscoder(pms, 'echo');
    expect((await pms.install()).stdout).toMatch(/relay must run.*must be restarted.*must stay there/s);
    expect((await pms.install()).stdout).toBe('already in place\n');
  });

  test('explains itself', async ({ pms }) => {
    const { code, stdout } = await pms.install(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('--uninstall');
    expect(stdout).toContain('TRANSCODER_PATH');
  });
});

describe.concurrent('the wrapper', () => {
  test('keeps Plex’s libraries away from Node, and gives them back to the transcoder', async ({ pms }) => {
    const relay = await pms.relay();
    putTranscoder(pms, 'env');
    await pms.install();
    const libraries = join(pms.directory, 'lib');
    mkdirSync(libraries);
    // With these, Node would not start; a shell needs neither.
    for (const name of ['libm.so.6', 'libstdc++.so.6', 'libdl.so.2'])
      writeFileSync(join(libraries, name), '');
    const env = { LD_LIBRARY_PATH: libraries };
    const hook = pms.start(transcoder(pms), { argv: ['a'], env });
    const { job, connection } = await relay.job();
    expect(job.env['LD_LIBRARY_PATH']).toBe(libraries);
    expect(Object.keys(job.env).filter((name) => name.startsWith('HOOK_'))).toEqual([]);
    connection.send({ type: 'exit', code: 0 });
    expect(await hook.exited).toMatchObject({ code: 0, stderr: Buffer.alloc(0) });
    const local = await pms.start(transcoder(pms), { argv: [], env: { ...env, ...LOCAL } }).exited;
    const seen = local.stdout.toString().trimEnd().split('\n');
    const expected = {
      ...env,
      ...LOCAL,
      PATH: '/usr/bin:/bin',
      RELAY_SOCKET: pms.socket,
      TRANSCODER_PATH: pms.plex,
      // The shell's own.
      PWD: pms.directory,
    };
    expect(seen.sort()).toEqual(
      Object.entries(expected)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
    );
  });

  test('finds the original where it was installed, whatever PMS’s environment says', async ({ pms }) => {
    const plex = join(pms.directory, "it's Plex");
    mkdirSync(plex);
    putTranscoder(pms, 'echo');
    renameSync(transcoder(pms), join(plex, 'Plex Transcoder'));
    await pms.install([], { TRANSCODER_PATH: plex, TRANSCODER_LOCAL_NAME: 'kept' });
    const env = { ...LOCAL, TRANSCODER_PATH: '' };
    const { stdout } = await pms.start(join(plex, 'Plex Transcoder'), { argv: ['a', 'b'], env }).exited;
    expect(stdout.toString()).toBe('a b\n');
  });

  test.for<[string, (pms: PmsHost) => void]>([
    [
      'Node is gone',
      (pms) => {
        const text = readFileSync(transcoder(pms), 'utf8');
        writeFileSync(transcoder(pms), text.replaceAll(process.execPath, '/nonexistent/node'));
      },
    ],
    ['the hook is gone', (pms) => rmSync(at(pms, 'clusterplex-hook.cjs'))],
  ])('starts the original when %s', async ([, breakIt], { pms }) => {
    putTranscoder(pms, 'echo');
    await pms.install();
    breakIt(pms);
    const { code, stdout } = await pms.start(transcoder(pms), { argv: ['a', 'b c'] }).exited;
    expect(code).toBe(0);
    expect(stdout.toString()).toBe('a b c\n');
  });
});
