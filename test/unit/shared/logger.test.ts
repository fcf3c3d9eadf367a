import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Runs a few lines against the real logger, which writes to stderr, and gives back what it wrote. */
function logged(code: string): string {
  const program = `
    import { createLogger } from '#shared/logger.ts';
    import { Redactor } from '#shared/redact.ts';
    const logger = createLogger({ part: 'test', level: 'debug', redactor: new Redactor(['our-secret']) });
    ${code}`;
  const { stderr, stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  return stderr;
}

test('no token gets into a line: not by text, field, argument, environment, error or child logger', () => {
  const output = logged(`
    logger.info('token our-secret and X-Plex-Token=plex-secret');
    logger.info({ argv: ['-i', 'http://pms/x?X-Plex-Token=plex-secret&a=1'] }, 'started');
    logger.info({ env: { X_PLEX_TOKEN: 'plex-secret' }, headers: { authorization: 'Bearer other-secret' } });
    logger.error({ err: new Error('GET http://pms/?X-Plex-Token=plex-secret failed: our-secret') });
    logger.child({ token: 'our-secret' }).warn('child');
  `);
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(5);
  for (const line of lines) expect(line).toContain('[redacted]');
  expect(output).not.toMatch(/our-secret|plex-secret|other-secret/);
});

test('a line is JSON with part, level as a word and time, on stderr', () => {
  const [line = ''] = logged(`logger.warn({ jobId: 'j' }, 'said');`).trim().split('\n');
  expect(JSON.parse(line)).toEqual({
    level: 'warn',
    part: 'test',
    jobId: 'j',
    msg: 'said',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
});

test('what is below the level is not written', () => {
  expect(logged(`logger.trace('quiet');`)).toBe('');
});
