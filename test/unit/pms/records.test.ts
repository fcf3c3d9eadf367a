import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Accepted, Records } from '../../../pms/relay/records.ts';

let home: string;
let directory: string;
let warnings: string[];
let records: Records;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'records-'));
  directory = join(home, 'relay.sock.jobs');
  warnings = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
  records = new Records(directory, logger);
});

afterEach(() => rmSync(home, { recursive: true }));

const accepted = (jobId: string, document = 'a-1.ts,0,1\n'): Accepted => ({
  ...{ jobId, attempt: 2, duration: 60.5, documents: [document] },
});

test('what was written is read again, the last of it, under whatever id', () => {
  for (const jobId of ['j', '../../etc/passwd', 'a b/ü']) {
    records.write(accepted(jobId, 'first'));
    records.write(accepted(jobId, 'second'));
    records.write(accepted(jobId, 'third'));
    expect(records.read(jobId)).toEqual(accepted(jobId, 'third'));
  }
  expect(readdirSync(home)).toEqual(['relay.sock.jobs']);
  expect(readdirSync(directory)).toHaveLength(3);
});

test('a relay that is killed while it replaces one has left it or the next', () => {
  const [path, next] = [join(directory, 'j.json'), join(directory, 'j.json.new')];
  records.write(accepted('j', 'first'));
  writeFileSync(next, JSON.stringify(accepted('j', 'second')).slice(0, -9));
  expect(records.read('j')).toEqual(accepted('j', 'first'));
  writeFileSync(next, JSON.stringify(accepted('j', 'second')));
  rmSync(path);
  expect(records.read('j')).toEqual(accepted('j', 'second'));
  records.remove('j');
  expect(readdirSync(directory)).toEqual([]);
});

test('a job that goes while it is written leaves nothing', () => {
  records.write(accepted('j'));
  records.remove('j');
  expect(readdirSync(directory)).toEqual([]);
  expect(records.read('j')).toBeNull();
});

test.each([
  ['half of one', '{"jobId":"j","attempt":2,"dura'],
  ['a field of another kind', JSON.stringify({ ...accepted('j'), documents: 7 })],
  ['a field more', JSON.stringify({ ...accepted('j'), more: 1 })],
  ['another job’s', JSON.stringify(accepted('k'))],
  ['nothing', ''],
])('a bad file is as none: %s', (_what, text) => {
  records.write(accepted('j'));
  writeFileSync(join(directory, 'j.json'), text);
  expect(records.read('j')).toBeNull();
});

test('what nobody came back for is removed, with what was being written', () => {
  for (const jobId of ['a b', 'gone']) records.write(accepted(jobId));
  for (const name of ['gone.json.new', '%.json', 'else']) writeFileSync(join(directory, name), '');
  records.sweep((jobId) => jobId === 'a b');
  expect(readdirSync(directory)).toEqual(['a%20b.json']);
});

test('storage that takes nothing is said once, and stops nobody', () => {
  writeFileSync(directory, '');
  records.write(accepted('j'));
  records.write(accepted('j'));
  records.sweep(() => false);
  expect(warnings).toEqual(['what PMS accepted can not be kept for the next relay']);
  expect(existsSync(directory)).toBe(true);
});
