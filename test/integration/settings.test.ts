import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const PARTS = ['orchestrator/main.ts', 'worker/main.ts', 'pms/relay.ts'];

function run(part: string, env: Readonly<Record<string, string>>, argv: readonly string[] = []) {
  const file = fileURLToPath(new URL(`../../${part}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...argv], {
    env: { PATH: '/usr/bin:/bin', ...env },
    encoding: 'utf8',
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

  test('--help prints every setting with its default', () => {
    const { status, stdout } = run(part, {}, ['--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/LOG_LEVEL {2}\(.*default info\)/);
    expect(stdout).toMatch(/CLUSTERPLEX_TOKEN/);
  });
});

test('an orchestrator without tokens does not serve others, even when told to', () => {
  const { status, stderr } = run('orchestrator/main.ts', { LISTENING_HOST: '0.0.0.0', LISTENING_PORT: '0' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/no token for relay, worker, admin/);
  expect(stderr).not.toMatch(/is not read here/);
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
