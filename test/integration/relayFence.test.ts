import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { byteString } from '#shared/bytes.ts';
import { systemClock } from '#shared/clock.ts';
import { fence } from '../../pms/relay/fence.ts';
import { SPEC } from '../unit/pms/jobsStage.ts';

const directory = mkdtempSync(join(tmpdir(), 'relay-fence-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fenced(cwd: Buffer, jobId = SPEC.jobId): Promise<boolean> {
  const surroundings = { clock: systemClock, logger: pino({ level: 'silent' }) };
  return new Promise((resolve) => fence({ ...SPEC, jobId, cwd: byteString(cwd) }, surroundings, resolve));
}

test('it writes what ends every attempt, whatever the directory’s name', async () => {
  const cwd = Buffer.concat([Buffer.from(directory), Buffer.from("/a 'b' $(c) \\1 \n\xff\n", 'latin1')]);
  mkdirSync(cwd);
  const file = Buffer.concat([cwd, Buffer.from('/.clusterplex-j')]);
  writeFileSync(file, '2 worker\n');
  expect(await fenced(cwd)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('1000000000 relay\n');
});

test('a jobId that is a path names a file in the directory', async () => {
  const cwd = join(directory, 'below');
  mkdirSync(cwd);
  mkdirSync(join(cwd, '.clusterplex-..'));
  await fenced(Buffer.from(cwd), '../../escaped');
  expect(readdirSync(cwd)).toContain('.clusterplex-..%2F..%2Fescaped');
});

test('a directory that PMS has deleted is no reason to wait', async () => {
  expect(await fenced(Buffer.from(join(directory, 'gone')))).toBe(true);
});

test('a link that stands where it writes is not followed', async () => {
  const target = join(directory, 'not to be written');
  writeFileSync(target, 'as before');
  symlinkSync(target, join(directory, '.clusterplex-j.new'));
  await fenced(Buffer.from(directory));
  expect(readFileSync(target, 'utf8')).toBe('as before');
});
