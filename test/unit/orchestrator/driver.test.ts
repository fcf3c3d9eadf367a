import { expect, test } from 'vitest';
import { Cluster } from '../../../orchestrator/core/cluster.ts';
import type { Effect } from '../../../orchestrator/core/effects.ts';
import { Driver } from '../../../orchestrator/driver.ts';
import { jobSpec, running, SETTINGS, workerHello } from '../core/world.ts';
import { FakeClock } from './fakeClock.ts';

function setUp(settings: Partial<typeof SETTINGS> = {}) {
  const clock = new FakeClock();
  const driver = new Driver(new Cluster({ ...SETTINGS, ...settings }, clock.now()), clock);
  const effects: Effect[] = [];
  driver.observe((effect) => effects.push(effect));
  driver.performWith({ perform: (effect) => effects.push(effect) });
  return { clock, driver, effects };
}

function hello(driver: Driver, connection: number, name: string): void {
  driver.handle({ type: 'worker-hello', connection, hello: workerHello(name) });
}

function relayWithJob(driver: Driver, connection: number, jobId: string): void {
  const relay = {
    type: 'hello',
    version: '1',
    name: 'r',
    instance: `r${connection}`,
    serial: 0,
    jobs: [],
  } as const;
  driver.handle({ type: 'relay-hello', connection, hello: { ...relay, jobs: [] } });
  const message = { type: 'submit', job: jobSpec(jobId, { local: false }), attempt: 0 } as const;
  driver.handle({ type: 'relay-message', connection, message });
}

test('effects are carried out in order: those for connections, and those for whoever watches', () => {
  const { driver, effects } = setUp();
  hello(driver, 1, 'w');
  expect(effects.map(({ type }) => type)).toEqual(['welcome', 'tell-worker', 'worker-changed']);
});

test('everybody who watches sees every change', () => {
  const { driver, effects } = setUp();
  const seen: string[] = [];
  driver.observe(({ type }) => seen.push(type));
  hello(driver, 1, 'w');
  expect(seen).toEqual(['worker-changed']);
  expect(effects.map(({ type }) => type)).toContain('worker-changed');
});

test('deadlines of the core fall due by the clock, without any event from outside', () => {
  const { clock, driver } = setUp();
  relayWithJob(driver, 1, 'j');
  clock.advance(4_999);
  driver.heard(1);
  expect(driver.cluster.jobs.get('j')?.outcome).toBeNull();
  clock.advance(1);
  expect(driver.cluster.jobs.get('j')?.outcome?.reason).toBe('no-worker');
});

test('one timer is enough, and a sooner deadline moves it forward', () => {
  const { clock, driver } = setUp({ recoveryWindowMs: 60_000 });
  expect(clock.timers).toEqual([60_000]);
  hello(driver, 1, 'w');
  expect(clock.timers).toEqual([10_000]);
  relayWithJob(driver, 2, 'j');
  relayWithJob(driver, 3, 'k');
  expect(clock.timers).toEqual([5_000]);
});

test('an event that brings no sooner deadline sets no timer', () => {
  let timers = 0;
  const driver = new Driver(new Cluster(SETTINGS, 0), {
    soon: () => undefined,
    now: () => 0,
    after: () => {
      timers += 1;
      return { cancel: () => {} };
    },
  });
  for (let connection = 1; connection <= 50; connection += 1) hello(driver, connection, `w${connection}`);
  expect(timers).toBe(1);
});

test('after each deadline the next one is waited for', () => {
  const { clock, driver, effects } = setUp();
  hello(driver, 1, 'w');
  for (let heard = 0; heard < 5; heard += 1) {
    clock.advance(9_000);
    driver.heard(1);
  }
  expect(effects.filter(({ type }) => type === 'close')).toEqual([]);
  clock.advance(10_000);
  expect(effects).toContainEqual(expect.objectContaining({ type: 'close', connection: 1, code: 'silent' }));
  clock.advance(2_000);
  expect(driver.cluster.workers.size).toBe(0);
  expect(clock.timers).toEqual([]);
});

test('a timer that fires before its time does nothing, and is set again', () => {
  // A timer of the system may fire a little early; then the clock still stands before the deadline.
  const early = new FakeClock();
  const calls: (() => void)[] = [];
  const cluster = new Cluster(SETTINGS, 0);
  const other = new Driver(cluster, {
    soon: () => undefined,
    now: () => early.now(),
    after: (_, call) => {
      calls.push(call);
      return { cancel: () => {} };
    },
  });
  early.time = 2_999.5;
  calls.shift()?.();
  expect(other.cluster.nextDeadline).toBe(3_000);
  expect(calls).toHaveLength(1);
});

test('an event that comes up while effects are carried out waits until all of them are', () => {
  const { driver } = setUp();
  const order: string[] = [];
  driver.performWith({
    perform: (effect) => {
      order.push(effect.type);
      if (effect.type !== 'welcome') return;
      driver.handle({ type: 'disconnected', connection: effect.connection });
      order.push('handled');
    },
  });
  driver.observe((effect) => {
    if (effect.type === 'worker-changed') order.push(effect.change);
  });
  hello(driver, 1, 'w');
  expect(order).toEqual(['welcome', 'handled', 'tell-worker', 'connected', 'disconnected']);
});

test('after a defect in one event the next one is handled, and deadlines still fall due', () => {
  const { clock, driver } = setUp();
  let broken = true;
  driver.observe(() => {
    if (broken) throw new Error('a defect');
  });
  expect(() => hello(driver, 1, 'w')).toThrow('a defect');
  broken = false;
  driver.handle({ type: 'disconnected', connection: 1 });
  expect(driver.cluster.workers.get('w')?.connection).toBeNull();
  clock.advance(2_000);
  expect(driver.cluster.workers.size).toBe(0);
});

test('hearing from a peer keeps it, at the time of the clock', () => {
  const { clock, driver, effects } = setUp();
  hello(driver, 1, 'w');
  const state = { type: 'state', revision: 1, ready: true, draining: false, load: null } as const;
  clock.advance(6_000);
  driver.handle({ type: 'worker-state', connection: 1, state: { ...state, attempts: [running('x')] } });
  driver.heard(1);
  clock.advance(9_999);
  expect(effects.some(({ type }) => type === 'close')).toBe(false);
  clock.advance(1);
  expect(effects.some(({ type }) => type === 'close')).toBe(true);
});

test('a driver that was stopped waits for nothing', () => {
  const { clock, driver } = setUp();
  driver.stop();
  expect(clock.timers).toEqual([]);
});

test('what fell due while the process stood still waits until what came meanwhile was read', () => {
  const { clock, driver, effects } = setUp();
  hello(driver, 1, 'w');
  relayWithJob(driver, 2, 'j');
  driver.handle({ type: 'disconnected', connection: 1 });
  clock.time += 60_000;
  // The timers come first, then the sockets: the worker has long been back, and has pinged ever since.
  clock.advance(0);
  hello(driver, 3, 'w');
  expect(effects.filter(({ type }) => type === 'close')).toEqual([]);
  const [attempt] = driver.cluster.jobs.get('j')?.attempts ?? [];
  expect(attempt).toMatchObject({ worker: 'w', number: 1, phase: 'preparing' });
});

test('time stands still with the process, also for a message that is read before the timer fires', () => {
  const { clock, driver, effects } = setUp();
  hello(driver, 1, 'w');
  hello(driver, 2, 'v');
  clock.time += 60_000;
  driver.heard(1);
  driver.handle({ type: 'tick' });
  expect(effects.filter(({ type }) => type === 'close')).toEqual([]);
  clock.advance(2_999);
  driver.heard(1);
  clock.advance(7_000);
  expect(effects.filter(({ type }) => type === 'close')).toEqual([]);
  clock.advance(1);
  expect(effects.filter(({ type }) => type === 'close')).toEqual([
    expect.objectContaining({ connection: 2, code: 'silent' }),
  ]);
});

test('after a standstill what falls due is waited for with one timer', () => {
  const { clock, driver } = setUp();
  hello(driver, 1, 'w');
  driver.handle({ type: 'disconnected', connection: 1 });
  clock.advance(1_999);
  driver.handle({ type: 'tick' });
  clock.time += 10_000;
  clock.advance(0);
  expect(clock.timers).toEqual([clock.time + 3_000]);
  clock.advance(3_000);
  expect(driver.cluster.workers.size).toBe(0);
});
