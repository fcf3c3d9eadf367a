import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { LeaseNote } from '../../../../orchestrator/leader/leaseNote.ts';
import { BurstNote } from '../../../../orchestrator/scale/burstNote.ts';

function stage(text: string | null) {
  const note: LeaseNote = { text };
  const log: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => log.push(JSON.parse(line).problem) });
  return { note, log, bursts: new BurstNote(note, logger) };
}

const burst = (workers: number) => ({ group: 'default', workers, until: 1_800_000_000_000 });

test('what one leader has noted the next one reads', async () => {
  const { note, bursts } = stage(null);
  expect(await bursts.read()).toEqual([]);
  await bursts.write([burst(1), burst(2)]);
  const next = stage(note.text);
  expect(await next.bursts.read()).toEqual([burst(1), burst(2)]);
  expect(next.log).toEqual([]);
});

test('what somebody else has put there is told and not taken', async () => {
  const { bursts, log } = stage('{"bursts": 4}');
  expect(await bursts.read()).toEqual([]);
  expect(log).toEqual(['it is not what was written into it']);
});

test('more than a Lease may hold is told and not kept', async () => {
  const { bursts, note, log } = stage(null);
  await bursts.write([burst(1)]);
  const before = note.text;
  await bursts.write(Array.from({ length: 1_500 }, () => burst(1)));
  expect(note.text).toBe(before);
  expect(log).toEqual(['1500 are too many']);
});
