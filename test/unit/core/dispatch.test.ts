import { describe, expect, test } from 'vitest';
import { jobState } from '../../../orchestrator/core/model.ts';
import type { Strategy } from '../../../orchestrator/core/settings.ts';
import { ended, running, World } from './world.ts';

const MINUTE = 60_000;

function burst(strategy: Strategy, loads: number[], jobs: number, slots: number): number[] {
  const world = World.settled({ strategy });
  loads.forEach((cpu, index) => {
    world.worker(`w${index}`, { slots, load: { cpu, ops: 100 } });
  });
  const relay = world.relay();
  for (let index = 0; index < jobs; index += 1) world.submit(relay, `j${index}`);
  return world.spread();
}

describe('a burst between two load reports', () => {
  test('LOAD_TASKS lays 1,000 jobs evenly over 10 workers', () => {
    expect(burst('LOAD_TASKS', Array(10).fill(0), 1_000, 100)).toEqual(Array(10).fill(100));
  });

  test('LOAD_TASKS lays 25 jobs over 10 workers with 2 or 3 each', () => {
    const spread = burst('LOAD_TASKS', Array(10).fill(0), 25, 100);
    expect(spread.toSorted()).toEqual([2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
  });

  test('RR goes round, one job each, whatever the load', () => {
    expect(burst('RR', [90, 0, 50], 9, 10)).toEqual([3, 3, 3]);
  });

  test('LOAD_CPU spreads although no worker has reported the new jobs yet', () => {
    expect(burst('LOAD_CPU', [0, 0, 0, 0], 20, 10)).toEqual([5, 5, 5, 5]);
  });

  test('LOAD_CPU gives a loaded worker fewer, by as many slots as its load is worth', () => {
    expect(burst('LOAD_CPU', [0, 50], 5, 10)).toEqual([5, 0]);
    expect(burst('LOAD_CPU', [0, 50], 11, 10)).toEqual([8, 3]);
  });

  test('LOAD_RANK fills the fastest only until another has more left', () => {
    const world = World.settled({ strategy: 'LOAD_RANK' });
    world.worker('slow', { slots: 10, load: { cpu: 0, ops: 500 } });
    world.worker('fast', { slots: 10, load: { cpu: 0, ops: 1_000 } });
    const relay = world.relay();
    for (let index = 0; index < 5; index += 1) world.submit(relay, `j${index}`);
    expect(world.spread()).toEqual([0, 5]);
    world.submit(relay, 'j5');
    world.submit(relay, 'j6');
    expect(world.spread()).toEqual([1, 6]);
  });
});

test('a load that was measured after an assignment shows it, so it is not counted twice', () => {
  const world = World.settled({ strategy: 'LOAD_CPU' });
  const one = world.worker('one', { slots: 2, load: { cpu: 0, ops: 0 } });
  const relay = world.relay();
  world.submit(relay, 'j1');
  world.worker('two', { slots: 2, load: { cpu: 30, ops: 0 } });
  world.advance(1);
  world.report(one, [running('j1')], { load: { cpu: 10, ops: 0 } });
  world.submit(relay, 'j2');
  expect(world.spread()).toEqual([2, 0]);
});

test('a job that came and went between two reports leaves no load behind', () => {
  const world = World.settled({ strategy: 'LOAD_CPU' });
  const one = world.worker('one', { slots: 2, load: { cpu: 0, ops: 0 } });
  world.advance(1);
  const relay = world.relay();
  world.submit(relay, 'j1');
  world.report(one, [ended('j1', { exitCode: 0 })]);
  world.worker('two', { slots: 2, load: { cpu: 30, ops: 0 } });
  expect(world.submit(relay, 'j2').current?.worker).toBe('one');
});

test('the end of a job that the load already showed takes nothing off those that it does not', () => {
  const world = World.settled({ strategy: 'LOAD_CPU' });
  const one = world.worker('one', { slots: 4, load: { cpu: 0, ops: 0 } });
  const relay = world.relay();
  world.advance(1);
  world.submit(relay, 'j1');
  world.advance(1);
  world.report(one, [running('j1')], { load: { cpu: 0, ops: 0 } });
  world.advance(1);
  world.submit(relay, 'j2');
  world.report(one, [ended('j1', { exitCode: 0 }), running('j2')]);
  world.worker('two', { slots: 4, load: { cpu: 20, ops: 0 } });
  expect(world.submit(relay, 'j3').current?.worker).toBe('two');
});

test.each([
  ['drained by an operator', (world: World) => world.handle({ type: 'drain', worker: 'w', drained: true })],
  ['draining by its own word', (world: World) => world.report(1, [], { draining: true })],
])('a worker that is %s gets nothing, and a job that may run locally ends at once', (_, drain) => {
  const world = World.settled();
  world.worker('w', { slots: 9 });
  drain(world);
  const job = world.submit(world.relay(), 'j');
  expect(world.spread()).toEqual([0]);
  expect(job.outcome).toMatchObject({ reason: 'no-worker', exitCode: null, signal: null });
  expect(job.outcome?.message).toContain('drain');
});

test.each([
  ['not ready', (world: World) => world.report(1, [], { ready: false }), 'ready'],
  ['away for a moment', (world: World) => world.disconnect(1), 'ready'],
  ['full', (world: World) => world.submit(world.relay('other'), 'k', { local: false }), 'all 1 slots'],
])('a worker that is %s gets nothing, and the job waits', (_, hinder, why) => {
  const world = World.settled({ workerReconnectMs: MINUTE });
  world.worker('w');
  hinder(world);
  const before = world.spread();
  const job = world.submit(world.relay(), 'j');
  expect(jobState(job)).toBe('queued');
  expect(world.cluster.whyWaiting(job)).toContain(why);
  expect(world.spread()).toEqual(before);
});

test('a waiting job starts the moment a worker can take it', () => {
  const world = World.settled();
  const worker = world.worker('w', { ready: false });
  const relay = world.relay();
  const job = world.submit(relay, 'j1');
  world.report(worker, [], { ready: true });
  expect(job.current?.worker).toBe('w');

  const second = world.submit(relay, 'j2');
  const effects = world.report(worker, [ended('j1', { exitCode: 0 })]);
  expect(second.current?.worker).toBe('w');
  expect(effects).toContainEqual({ type: 'tell-relay', connection: relay, job: second });

  world.handle({ type: 'drain', worker: 'w', drained: true });
  const third = world.submit(relay, 'j3', { local: false });
  world.report(worker, [ended('j2', { exitCode: 0 })]);
  expect(third.current).toBeNull();
  world.handle({ type: 'drain', worker: 'w', drained: false });
  expect(third.current?.worker).toBe('w');
});

test('a playback job overtakes background jobs that came before it', () => {
  const world = World.settled();
  const worker = world.worker('w');
  const relay = world.relay();
  world.submit(relay, 'first');
  const background = world.submit(relay, 'background', { jobClass: 'background' });
  const playback = world.submit(relay, 'playback');
  world.report(worker, [ended('first', { exitCode: 0 })]);
  expect(playback.current?.worker).toBe('w');
  expect(background.current).toBeNull();
});

test('jobs of one class start in the order in which they came, also after they were queued again', () => {
  const world = World.settled();
  const worker = world.worker('w');
  const relay = world.relay();
  const first = world.submit(relay, 'first');
  const second = world.submit(relay, 'second');
  world.report(worker, []);
  expect(first.current?.number).toBe(2);
  world.report(worker, [ended('first', { exitCode: 0 }, 2)]);
  expect(second.current?.worker).toBe('w');
});

test('the queue deadline is that of the class, and says what was full', () => {
  const world = World.settled();
  world.worker('w');
  const relay = world.relay();
  world.submit(relay, 'running');
  const playback = world.submit(relay, 'playback');
  const background = world.submit(relay, 'background', { jobClass: 'background' });
  world.advance(4_999);
  expect(jobState(playback)).toBe('queued');
  world.advance(1);
  expect(playback.outcome).toMatchObject({
    reason: 'no-worker',
    message: 'all 1 slots of 1 workers are taken',
  });
  expect(jobState(background)).toBe('queued');
  world.advance(594_999);
  expect(jobState(background)).toBe('queued');
  world.advance(1);
  expect(background.outcome?.reason).toBe('no-worker');
  expect(world.cluster.queued).toBe(0);
});

test('a story says why a worker was chosen, and why none of those that may take it is ready', () => {
  const world = World.settled({ strategy: 'LOAD_CPU' });
  for (const name of ['a', 'b']) world.worker(name);
  const relay = world.relay();
  const placed = (jobId: string): unknown =>
    world.submit(relay, jobId).story.find(({ event }) => event === 'placed')?.message;
  expect(placed('first')).toBe('by LOAD_CPU, of 2 workers with a free slot');
  expect(placed('second')).toBe('the only worker with a free slot');

  const other = World.settled();
  const checks = [
    { name: 'gpu', ok: false, message: 'no driver', blocking: false },
    { name: 'codecs', ok: false, message: '0 of 309', blocking: true },
  ];
  const worker = other.worker('w', { ready: false, checks });
  const why = (): string => other.cluster.whyWaiting(other.job('waits'));
  other.submit(other.relay(), 'waits');
  expect(why()).toBe('none of the 1 workers that may take it is ready: w: codecs: 0 of 309');
  other.disconnect(worker);
  expect(why()).toMatch(/ready: w is not connected$/);
});

test('a job that starts in time is not ended by the queue deadline it had', () => {
  const world = World.settled();
  const worker = world.worker('w');
  const relay = world.relay();
  world.submit(relay, 'first');
  const second = world.submit(relay, 'second');
  world.report(worker, [ended('first', { exitCode: 0 })]);
  world.advance(MINUTE);
  expect(jobState(second)).toBe('running');
});

test('without any worker a local job ends at once, and a remote one waits out its deadline', () => {
  const world = World.settled();
  const relay = world.relay();
  const local = world.submit(relay, 'local', { local: true });
  expect(local.outcome).toMatchObject({ reason: 'no-worker', message: 'no worker is connected' });
  const remote = world.submit(relay, 'remote', { local: false });
  expect(jobState(remote)).toBe('queued');
  world.advance(5_000);
  expect(remote.outcome?.reason).toBe('no-worker');
});

test('a remote job that waits without any worker goes to the first one that comes', () => {
  const world = World.settled();
  const job = world.submit(world.relay(), 'remote', { local: false });
  world.advance(4_000);
  world.worker('late');
  expect(job.current?.worker).toBe('late');
});

test('until the recovery window is over a local job waits: workers may still be on their way', () => {
  const world = new World();
  const job = world.submit(world.relay(), 'local');
  world.advance(2_999);
  expect(jobState(job)).toBe('queued');
  world.advance(1);
  expect(job.outcome?.reason).toBe('no-worker');
});

test('a job that no free worker may take does not hold up one that some may', () => {
  const world = World.settled();
  const relay = world.relay();
  world.worker('busy', { slots: 1 });
  world.submit(relay, 'long');
  const worker = world.worker('w');
  const refused = world.submit(relay, 'refused', { local: false });
  world.report(worker, [ended('refused', { reason: 'refused', message: 'no such mount' })]);
  const other = world.submit(relay, 'other', { jobClass: 'background' });
  expect(other.current?.worker).toBe('w');
  expect(jobState(refused)).toBe('queued');
});

test('a job that every worker refused ends at once, with the reason: waiting changes nothing', () => {
  const world = World.settled();
  const worker = world.worker('w');
  const job = world.submit(world.relay(), 'j', { local: false, jobClass: 'background' });
  world.report(worker, [ended('j', { reason: 'refused', message: 'no such mount' })]);
  expect(job.outcome).toMatchObject({ reason: 'refused', message: 'w refused it: no such mount' });
});
