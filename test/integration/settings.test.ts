import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compileCache } from '../support/compileCache.ts';
import { Part, sourceOf } from '../support/part.ts';

const PARTS = ['orchestrator/main.ts', 'worker/main.ts', 'pms/relay.ts'];

function run(part: string, env: Readonly<Record<string, string>>, argv: readonly string[] = []) {
  return runFile(Part.bundles[part] ?? sourceOf(part), env, argv);
}

function runFile(file: string, env: Readonly<Record<string, string>>, argv: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...argv], {
    env: { PATH: '/usr/bin:/bin', ...compileCache, ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

describe.each(PARTS)('%s', (part) => {
  test('lists every wrong setting at once, and exits with 2', () => {
    const { status, stdout, stderr } = run(part, {
      LOG_LEVEL: 'loud',
      ORCHESTRATOR_URL: 'tcp://10.0.0.1:3500',
      LISTENING_PORT: '99999',
      WORKER_SELECTION_STRATEGY: 'BEST',
      MOUNTS: 'relative',
      LOCAL_RELAY_ENABLED: 'perhaps',
      CLUSTERPLEX_TOKN: 'x',
    });
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/LOG_LEVEL is wrong/);
    expect(stderr).toMatch(/CLUSTERPLEX_TOKN is unknown; did you mean CLUSTERPLEX_TOKEN\?/);
    const own = {
      'orchestrator/main.ts': /WORKER_SELECTION_STRATEGY/,
      'worker/main.ts': /MOUNTS/,
      'pms/relay.ts': /LOCAL_RELAY_ENABLED/,
    };
    expect(stderr).toMatch(Object.entries(own).find(([name]) => name === part)?.[1] ?? /never/);
  });

  test('takes no arguments, and says where settings go', () => {
    expect(run(part, {}, ['--port', '3'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'unknown argument --port: settings are environment variables, see --help\n',
    });
  });

  test('--help prints every setting with its default', () => {
    const { status, stdout } = runFile(sourceOf(part), {}, ['--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/LOG_LEVEL {2}\(.*default info\)/);
    expect(stdout).toMatch(/CLUSTERPLEX_TOKEN/);
  });
});

test('an orchestrator without tokens does not serve others, even when told to', () => {
  const { status, stderr } = run('orchestrator/main.ts', { LISTENING_HOST: '0.0.0.0', LISTENING_PORT: '0' });
  expect(status).toBe(2);
  expect(stderr).toBe(
    'LISTENING_HOST is 0.0.0.0, but there is no token for relay, worker, admin\n' +
      '(set CLUSTERPLEX_TOKEN, or leave LISTENING_HOST out to serve this machine only)\n',
  );
});

test('an orchestrator whose tokens are not complete says which one is missing', () => {
  const { status, stderr } = run('orchestrator/main.ts', {
    LISTENING_HOST: '::',
    LISTENING_PORT: '0',
    CLUSTERPLEX_WORKER_TOKEN: 'a-secret',
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(/no token for relay, admin/);
  expect(stderr).not.toContain('a-secret');
});

test('a variable of other software that resembles one of ours is only warned of', () => {
  const env = { LOGLEVEL: 'verbose', LISTENING_HOST: '0.0.0.0', LISTENING_PORT: '0' };
  const [warning] = run('orchestrator/main.ts', env).stderr.split('\n');
  expect(warning).toMatch(/"warn".*LOGLEVEL is not read here; did you mean LOG_LEVEL\?/);
});

describe('a setting that proves wrong only when it is used is said in plain lines, with what to do', () => {
  const directory = mkdtempSync(join(tmpdir(), 'settings-'));
  const socket = join(directory, 'relay.sock');
  const relayEnv = { LOCAL_RELAY_PORT: '0', RELAY_SOCKET: socket };
  let taken: Server;

  beforeEach(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await new Promise((resolve) => taken.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  });

  function takenPort(): string {
    const address = taken.address();
    return typeof address === 'object' && address !== null ? String(address.port) : '';
  }

  function refusalOf(part: string, env: Readonly<Record<string, string>>): string {
    const { status, stdout, stderr } = run(part, { LOG_LEVEL: 'silent', ...env });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    return stderr;
  }

  test.each([
    ['orchestrator/main.ts', 'LISTENING_PORT'],
    ['worker/main.ts', 'LISTENING_PORT'],
    ['pms/relay.ts', 'LOCAL_RELAY_PORT'],
  ])('%s: a port that is taken', (part, setting) => {
    expect(refusalOf(part, { ...relayEnv, MOUNTS: `${tmpdir()}:rw`, [setting]: takenPort() })).toBe(
      `${setting} is wrong: port ${takenPort()} is taken\n(stop what listens there, or set another ${setting})\n`,
    );
  });

  test.each(['192.0.2.1', 'nowhere.invalid'])('LISTENING_HOST=%s, which is another machine’s', (host) => {
    const env = { LISTENING_HOST: host, LISTENING_PORT: '0', CLUSTERPLEX_TOKEN: 'a-secret' };
    expect(refusalOf('orchestrator/main.ts', env)).toBe(
      `LISTENING_HOST is wrong: ${host} is no address of this machine\n` +
        '(set one of its own, or leave LISTENING_HOST out)\n',
    );
  });

  test('RELAY_SOCKET: a file that is not a socket stays', () => {
    const file = join(tmpdir(), `settings-${process.pid}.txt`);
    writeFileSync(file, 'a film list');
    try {
      expect(refusalOf('pms/relay.ts', { ...relayEnv, RELAY_SOCKET: file })).toBe(
        `RELAY_SOCKET is wrong: ${file} exists and is not a socket\n(set a path that is free)\n`,
      );
      expect(readFileSync(file, 'utf8')).toBe('a film list');
    } finally {
      rmSync(file);
    }
  });

  test('RELAY_SOCKET: a path too long for the kernel', () => {
    const path = join(directory, 'x'.repeat(100));
    expect(refusalOf('pms/relay.ts', { ...relayEnv, RELAY_SOCKET: path })).toMatch(
      /^RELAY_SOCKET is wrong: .* is longer than 107 bytes\n\(set a shorter one/,
    );
  });

  test('RELAY_SOCKET: another relay serves there', async () => {
    await new Promise((resolve) => taken.close(resolve));
    const path = join(tmpdir(), `settings-${process.pid}.sock`);
    await new Promise<void>((resolve) => taken.listen(path, resolve));
    expect(refusalOf('pms/relay.ts', { ...relayEnv, RELAY_SOCKET: path })).toMatch(
      /^RELAY_SOCKET is wrong: another relay serves .*\n\(stop it, or give each its own RELAY_SOCKET\)\n$/,
    );
  });

  test('RELAY_SOCKET: a directory that can’t be made', () => {
    // What is no directory can have none in it, whoever asks: the tests may run as root.
    const path = '/etc/passwd/clusterplex/relay.sock';
    expect(refusalOf('pms/relay.ts', { ...relayEnv, RELAY_SOCKET: path })).toMatch(
      /^RELAY_SOCKET is wrong: no socket can be made at .* \(ENOTDIR\)\n\(make .* for the user/,
    );
  });
});
