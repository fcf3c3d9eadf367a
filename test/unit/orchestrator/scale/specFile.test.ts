import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { SpecFile } from '../../../../orchestrator/scale/specFile.ts';

function stage() {
  const directory = mkdtempSync(join(tmpdir(), 'scale-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'scale.yaml');
  const log: string[] = [];
  const maxima: number[] = [];
  const logger = pino({ base: null }, { write: (line: string) => log.push(JSON.parse(line).msg) });
  const file = new SpecFile(path, logger, (groups) => maxima.push(groups.get('a')?.spec.maximum ?? -1));
  return { directory, path, file, log, maxima };
}

const spec = (maximum: number | string) => `groups: {a: {scalable: false, maximum: ${maximum}}}`;

test('a ConfigMap that points elsewhere is read again, and what is as before is not', async () => {
  const { directory, path, file, maxima } = stage();
  const point = (maximum: number): void => {
    writeFileSync(join(directory, `version-${maximum}`), spec(maximum));
    symlinkSync(`version-${maximum}`, `${path}.new`);
    renameSync(`${path}.new`, path);
  };
  point(2);
  await file.poll();
  await file.poll();
  point(3);
  await file.poll();
  expect(maxima).toEqual([2, 3]);
});

test('a bad edit changes nothing and is told once, until it is corrected', async () => {
  const { path, file, log, maxima } = stage();
  await file.poll();
  expect(file.problem).toBe('there is no such file');
  writeFileSync(path, spec(2));
  await file.poll();
  writeFileSync(path, spec('many'));
  await file.poll();
  await file.poll();
  expect(file.problem).toBe('groups.a.maximum must be integer');
  expect(maxima).toEqual([2]);
  writeFileSync(path, spec(2));
  await file.poll();
  expect(file.problem).toBeNull();
  expect(log.map((line) => line.slice(0, 22))).toEqual([
    'the scale spec can’t b',
    'the scale spec was rea',
    'the scale spec can’t b',
    'the scale spec was rea',
  ]);
});

test('a file that went away and came back as it was is no problem any more', async () => {
  const { path, file, maxima } = stage();
  writeFileSync(path, spec(2));
  await file.poll();
  renameSync(path, `${path}.away`);
  await file.poll();
  expect(file.problem).toBe('there is no such file');
  renameSync(`${path}.away`, path);
  await file.poll();
  expect(file.problem).toBeNull();
  expect(maxima).toEqual([2]);
});
