import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { Helper } from '../../worker/transcoder/helper.ts';
import { allEnded } from '../support/processes.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const clock = new FakeClock();
let helper: Helper;

afterEach(() => helper.stop());

function newHelper(script: string, ...words: string[]): Helper {
  helper = new Helper({
    ...{ name: 'helper', script, words, env: { PATH: '/bin:/usr/bin' }, endsWithWorker: true },
    ...{ clock, random: () => 0.5, logger: pino({ level: 'silent' }) },
  });
  helper.start();
  return helper;
}

async function restartAfter(): Promise<number> {
  while (clock.timers.length === 0) await setImmediate();
  return (clock.timers[0] ?? 0) - clock.time;
}

test('a helper that ends at once is started again, later and later', async () => {
  newHelper('exit 1');
  for (const delay of [50, 100, 200, 400]) {
    expect(await restartAfter()).toBe(delay);
    clock.advance(delay);
  }
  helper.stop();
});

test('a helper that can’t be started is tried again, too', async () => {
  newHelper('exit', 'a\0b');
  expect(await restartAfter()).toBe(50);
  clock.advance(50);
  expect(await restartAfter()).toBe(100);
});

test('after it ran for a while, the delays begin anew; stopped, it is not started again', async () => {
  newHelper('cat');
  for (let round = 0; round < 2; round += 1) {
    const pid = helper.pid ?? 0;
    clock.advance(60_000);
    process.kill(pid, 'SIGKILL');
    expect(await restartAfter()).toBe(50);
    clock.advance(50);
  }
  const last = helper.pid ?? 0;
  helper.stop();
  await allEnded([last]);
  await setImmediate();
  expect(clock.timers).toEqual([]);
});
