import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Prewarm } from '../../../worker/prewarm.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const HOUR = 3_600_000;

function warming() {
  const clock = new FakeClock();
  const warmed: number[] = [];
  const state = { idle: true, warmth: Promise.resolve() };
  const prewarm = new Prewarm({
    clock,
    isIdle: () => state.idle,
    warm: () => {
      warmed.push(clock.now() / HOUR);
      return state.warmth;
    },
  });
  prewarm.used();
  return { clock, warmed, state, prewarm };
}

test('after each idle hour, and not before', async () => {
  const { clock, warmed } = warming();
  clock.advance(HOUR - 1);
  expect(warmed).toEqual([]);
  clock.advance(1);
  await setImmediate();
  clock.advance(HOUR);
  expect(warmed).toEqual([1, 2]);
});

test('an attempt puts it off, and one that runs keeps it away', async () => {
  const { clock, warmed, state, prewarm } = warming();
  clock.advance(HOUR / 2);
  prewarm.used();
  state.idle = false;
  clock.advance(3 * HOUR);
  expect(warmed).toEqual([]);
  state.idle = true;
  clock.advance(HOUR);
  expect(warmed).toEqual([4.5]);
});

test('one at a time, and none once the worker stops', async () => {
  const { clock, warmed, state, prewarm } = warming();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.warmth = promise;
  clock.advance(5 * HOUR);
  expect(warmed).toEqual([1]);
  prewarm.stop();
  resolve();
  await setImmediate();
  clock.advance(5 * HOUR);
  expect(warmed).toEqual([1]);
  expect(clock.timers).toEqual([]);
});
