import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { Election } from '../../../../orchestrator/leader/election.ts';
import { FakeClock } from '../fakeClock.ts';
import { LeaseStore } from './leaseStore.ts';

const DURATION = 15_000;

let store: LeaseStore;
let clock: FakeClock;
let mayWrite: boolean;
let log: string[];
let election: Election;

beforeEach(() => {
  store = new LeaseStore();
  clock = new FakeClock();
  mayWrite = false;
  log = [];
  election = new Election({
    ...{ identity: 'a', durationMs: DURATION, renewDeadlineMs: 10_000, retryMs: 2_000, random: () => 0.5 },
    async carryOut(call) {
      if (call.type === 'write' && !mayWrite) throw new Error('forbidden');
      return store.carryOut(call, clock.time, DURATION);
    },
    ...{ clock, logger: pino({ base: null }, { write: (line: string) => log.push(JSON.parse(line).msg) }) },
    ...{ elected: () => undefined, deposed: () => undefined },
  });
});

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await turn();
    clock.advance(1_000);
  }
  await turn();
}

test('one that may read the Lease and not write it could not take over, and says so once', async () => {
  election.start();
  await pass(30);
  expect(election.problem).toBe("the Lease can't be written: forbidden");
  expect(log).toEqual(['the Lease could not be reached']);
  mayWrite = true;
  await pass(5);
  expect([election.leads, election.problem]).toEqual([true, null]);
  expect(log.slice(1)).toEqual(['the Lease can be reached again', 'this orchestrator leads']);
});

test('while another holds the Lease there is nothing to write, until it no longer renews', async () => {
  election.start();
  await pass(5);
  store.write({ holder: 'other', transitions: 4, durationMs: DURATION, renewedAt: 'now' });
  await pass(5);
  expect(election.problem).toBe(null);
  expect(log.slice(1)).toEqual(['the Lease can be reached again', 'standing by']);
  await pass(30);
  expect(election.problem).toBe("the Lease can't be written: forbidden");
  expect(log.slice(3)).toEqual(['the Lease could not be reached']);
});
