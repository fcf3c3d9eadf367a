import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { BurstFile } from '../../../../orchestrator/scale/burstFile.ts';

function stage() {
  const directory = mkdtempSync(join(tmpdir(), 'bursts-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'deeper', 'scale-bursts.json');
  const log: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => log.push(JSON.parse(line).problem) });
  return {
    path,
    directory,
    log,
    file: new BurstFile(path, logger),
    again: () => new BurstFile(path, logger),
  };
}

const burst = (workers: number) => ({ group: 'default', workers, until: 1_800_000_000_000 });

test('the last that was written is read, however fast one follows the other', async () => {
  const { file, again, log } = stage();
  expect(await file.read()).toEqual([]);
  await Promise.all([file.write([burst(1)]), file.write([burst(1), burst(2)]), file.write([burst(3)])]);
  expect(await again().read()).toEqual([burst(3)]);
  expect(log).toEqual([]);
});

test.each([
  '{"bursts": [{"group": "default"}]}',
  '{"bursts": [{"group": "default", "workers": 1, "until": 1e300}]}',
  '{',
  '[]',
])('%s is told and not taken', async (text) => {
  const { path, directory, file, log } = stage();
  mkdirSync(join(directory, 'deeper'));
  writeFileSync(path, text);
  expect(await file.read()).toEqual([]);
  expect(log).toHaveLength(1);
});

test('where it can’t be written that is told, and a later one is a new try', async () => {
  const { directory, file, again, log } = stage();
  writeFileSync(join(directory, 'deeper'), '');
  await file.write([burst(1)]);
  expect(log).toEqual([expect.stringMatching(/EEXIST|ENOTDIR/)]);
  rmSync(join(directory, 'deeper'));
  await file.write([burst(2)]);
  expect(await again().read()).toEqual([burst(2)]);
});
