import { expect, test } from 'vitest';
import { Refusals } from '../../../orchestrator/gateway/refusals.ts';
import { FakeClock } from './fakeClock.ts';

const PEER = { role: 'worker', address: '10.0.0.7', reason: 'no-token' } as const;

test('counts how often a peer tried, and forgets one that has stopped', () => {
  const clock = new FakeClock();
  const refusals = new Refusals(clock);
  expect(refusals.add(PEER)).toBe(true);
  clock.time += 10_000;
  expect(refusals.add(PEER)).toBe(false);
  expect(refusals.recent()).toEqual([{ ...PEER, times: 2, at: clock.now() }]);
  clock.time += 30_001;
  expect(refusals.recent()).toEqual([]);
  expect(refusals.add(PEER)).toBe(true);
  expect(refusals.recent()).toEqual([{ ...PEER, times: 1, at: clock.now() }]);
});

test('one that comes in is mended, and others from elsewhere are not', () => {
  const refusals = new Refusals(new FakeClock());
  const other = { ...PEER, address: '10.0.0.8' };
  const relay = { ...PEER, role: 'relay' } as const;
  for (const peer of [PEER, { ...PEER, reason: 'wrong-token' } as const, other, relay]) refusals.add(peer);
  refusals.forget({ role: 'worker', address: '10.0.0.7' });
  expect(refusals.recent()).toMatchObject([other, relay]);
});

test('of a crowd of strangers the latest twenty are kept', () => {
  const refusals = new Refusals(new FakeClock());
  for (let host = 0; host < 100; host += 1) refusals.add({ ...PEER, address: `10.0.0.${host}` });
  expect(refusals.recent()).toHaveLength(20);
  expect(refusals.recent().at(-1)).toMatchObject({ address: '10.0.0.99' });
});
