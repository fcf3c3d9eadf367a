import { describe, expect, test } from 'vitest';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { jobState } from '../../../orchestrator/core/model.ts';
import { ended, preparing, running, World } from './world.ts';

/** A job that runs on `a`. */
function onA() {
  const world = World.settled();
  const a = world.worker('a');
  const relay = world.relay();
  const job = world.submit(relay, 'j');
  world.report(a, [running('j')]);
  return { world, a, relay, job };
}

describe('hello', () => {
  test('is answered with welcome first, and then with the list', () => {
    const world = World.settled();
    const connection = world.worker('a', { slots: 3, draining: true, ready: false });
    expect(world.effects.map(({ type }) => type)).toEqual(['welcome', 'tell-worker', 'worker-changed']);
    expect(world.workerOn(connection)).toMatchObject({ slots: 3, draining: true, ready: false, revision: 1 });
  });

  test('of another process with the name of a live worker is refused, and the live one keeps its jobs', () => {
    const { world, a, job } = onA();
    const second = world.worker('a', { instance: 'another' });
    expect(world.closed()).toEqual([`${second} name-taken`]);
    expect(world.workerCalled('a').connection).toBe(a);
    world.disconnect(second);
    expect(jobState(job)).toBe('running');
    expect(world.workerCalled('a').connection).toBe(a);
  });

  test('of the same process replaces its older connection, whose end then means nothing', () => {
    const { world, a, job } = onA();
    const second = world.worker('a', { attempts: [running('j')] });
    expect(world.closed()).toEqual([`${a} replaced`]);
    expect(world.workerCalled('a').connection).toBe(second);
    expect(world.disconnect(a)).toEqual([]);
    world.advance(60_000);
    expect(world.workerCalled('a').connection).toBe(second);
    expect(job.current).toMatchObject({ worker: 'a', number: 1 });
    expect(world.spread()).toEqual([1]);
  });

  test('of a new process under a free name means that the old one lost its attempts', () => {
    const { world, a, job } = onA();
    world.disconnect(a);
    world.worker('a', { instance: 'restarted' });
    expect(job.attempts[0]?.outcome).toMatchObject({ reason: 'lost' });
    expect(job.attempts[0]?.outcome?.message).toContain('restarted');
    expect(job.current).toMatchObject({ worker: 'a', number: 2 });
    expect(world.spread()).toEqual([1]);
  });
});

describe('a worker that comes back', () => {
  test('in time keeps what it runs, and nobody else gets it', () => {
    const { world, a, job } = onA();
    world.worker('b');
    world.disconnect(a);
    world.advance(1_999);
    world.worker('a', { attempts: [running('j')] });
    expect(world.closed()).toEqual([]);
    world.advance(60_000);
    expect(job.current).toMatchObject({ worker: 'a', number: 1 });
    expect(world.list('a')).toEqual(['j/1']);
    expect(world.spread()).toEqual([1, 0]);
  });

  test('too late finds its attempt given to another, and is told to end it', () => {
    const { world, a, job } = onA();
    world.worker('b');
    world.disconnect(a);
    world.advance(2_000);
    expect(job.current).toMatchObject({ worker: 'b', number: 2 });
    world.worker('a', { attempts: [running('j')] });
    expect(world.list('a')).toEqual([]);
    expect(job.current).toMatchObject({ worker: 'b', number: 2 });
    expect(world.spread()).toEqual([1, 0]);
  });

  test('too late, while its job still waits, goes on with the attempt it has', () => {
    const { world, a, relay } = onA();
    const job = world.submit(relay, 'remote', { local: false });
    world.report(a, [ended('j', { exitCode: 0 })]);
    world.report(a, [running('remote')]);
    world.disconnect(a);
    world.advance(2_000);
    expect(jobState(job)).toBe('queued');
    world.worker('a', { attempts: [running('remote')] });
    expect(job.current).toMatchObject({ worker: 'a', number: 1, outcome: null, endedAt: null });
    expect(job.attempts).toHaveLength(1);
    expect(world.cluster.queued).toBe(0);
    world.advance(60_000);
    expect(jobState(job)).toBe('running');
    expect(world.spread()).toEqual([1]);
  });

  test('with a higher attempt than it was given goes on with that one', () => {
    const world = World.settled();
    const a = world.worker('a');
    const job = world.submit(world.relay(), 'j', { local: false });
    world.disconnect(a);
    world.advance(2_000);
    world.worker('a', { attempts: [running('j', 5)] });
    expect(job.current?.number).toBe(5);
    expect(job.attempts.map(({ number }) => number)).toEqual([1, 5]);
  });

  test('with one of its attempts is sent the other again', () => {
    const world = World.settled();
    const a = world.worker('a', { slots: 2 });
    const relay = world.relay();
    const job = world.submit(relay, 'j');
    world.submit(relay, 'k');
    world.disconnect(a);
    const again = world.worker('a', { slots: 2, attempts: [running('k')] });
    world.report(again, [running('k')], { revision: 0 });
    expect(job.current?.number).toBe(1);
    world.report(again, [], { revision: 0 });
    expect(job.current?.number).toBe(1);
    expect(world.job('k').attempts[0]?.outcome?.reason).toBe('lost');
  });

  test('with the end of its attempt ends the job', () => {
    const { world, a, job } = onA();
    world.disconnect(a);
    world.worker('a', { attempts: [ended('j', { exitCode: 0 })] });
    expect(job.outcome?.exitCode).toBe(0);
    expect(world.spread()).toEqual([0]);
    expect(world.list('a')).toEqual([]);
  });

  test('without an attempt that it may never have got is sent it again', () => {
    const { world, a, job } = onA();
    world.disconnect(a);
    const again = world.worker('a');
    expect(world.list('a')).toEqual(['j/1']);
    world.report(again, [], { revision: 0 });
    expect(job.current?.number).toBe(1);
    world.report(again, []);
    expect(job.attempts[0]?.outcome?.reason).toBe('lost');
    expect(job.current?.number).toBe(2);
  });

  test('keeps its place in the order of assignment, and what an operator said about it', () => {
    const { world, a } = onA();
    world.handle({ type: 'drain', worker: 'a', drained: true });
    const { lastAssigned } = world.workerCalled('a');
    world.disconnect(a);
    world.worker('a', { attempts: [running('j')] });
    expect(world.workerCalled('a')).toMatchObject({ drained: true, lastAssigned, running: 1 });
  });

  test('is told to end what was cancelled while it was away', () => {
    const { world, a } = onA();
    world.disconnect(a);
    world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
    world.worker('a', { attempts: [running('j')] });
    expect(world.list('a')).toEqual(['j/1 SIGTERM']);
  });
});

test('a worker that does not come back is forgotten, and what it ran starts elsewhere', () => {
  const { world, a, job } = onA();
  world.worker('b');
  expect(world.disconnect(a)).toMatchObject([{ type: 'worker-changed', change: 'disconnected' }]);
  world.advance(1_999);
  expect(job.current?.worker).toBe('a');
  world.advance(1);
  expect([...world.cluster.workers.keys()]).toEqual(['b']);
  expect(world.effects).toContainEqual(expect.objectContaining({ type: 'worker-changed', change: 'gone' }));
  expect(job.attempts[0]?.outcome?.message).toContain('a went away');
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
});

test('an attempt is missing only from a state that is newer than its assignment', () => {
  const world = World.settled();
  const a = world.worker('a', { slots: 2 });
  const relay = world.relay();
  const first = world.submit(relay, 'first');
  const seen = world.workerOn(a).revision;
  const second = world.submit(relay, 'second');
  world.report(a, [preparing('first')], { revision: seen });
  expect(second.current?.number).toBe(1);
  world.report(a, [preparing('first')], { revision: seen + 1 });
  expect(second.attempts[0]?.outcome?.reason).toBe('lost');
  expect(first.current?.number).toBe(1);
});

test('every change of the list counts one revision up, and only the list of its worker', () => {
  const world = World.settled();
  const a = world.worker('a');
  const b = world.worker('b');
  const relay = world.relay();
  const job = world.submit(relay, 'j');
  expect(job.current?.worker).toBe('a');
  expect([world.workerOn(a).revision, world.workerOn(b).revision]).toEqual([2, 1]);
  world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
  expect([world.workerOn(a).revision, world.workerOn(b).revision]).toEqual([3, 1]);
  world.report(a, [running('j')], { load: { cpu: 3, ops: 3 } });
  expect(world.workerOn(a).revision).toBe(3);
});

test('a load report that changes nothing else is no change of the worker', () => {
  const world = World.settled();
  const a = world.worker('a');
  expect(world.report(a, [], { load: { cpu: 12, ops: 7 } })).toEqual([]);
  expect(world.workerOn(a)).toMatchObject({ load: { cpu: 12, ops: 7 }, sampledAt: world.now });
  const changed = world.report(a, [], { ready: false });
  expect(changed).toMatchObject([{ type: 'worker-changed', change: 'changed' }]);
  expect(world.workerOn(a).load.cpu).toBe(12);
});

test('what a worker can do may change while it is connected, and a free slot is used at once', () => {
  const world = World.settled();
  const a = world.worker('a');
  const relay = world.relay();
  world.submit(relay, 'j');
  const waiting = world.submit(relay, 'k');
  expect(waiting.current).toBeNull();
  const capabilities = { ...NO_CAPABILITIES, encoders: ['libx264'] };
  const effects = world.report(a, [running('j')], { slots: 2, capabilities });
  expect(effects).toContainEqual(expect.objectContaining({ type: 'worker-changed', change: 'changed' }));
  expect(waiting.current?.worker).toBe('a');
  expect(world.workerOn(a)).toMatchObject({ slots: 2, capabilities });
  world.report(a, [running('j'), running('k')]);
  expect(world.workerOn(a)).toMatchObject({ slots: 2, capabilities });
});

test('draining twice is one change', () => {
  const world = World.settled();
  world.worker('a');
  expect(world.handle({ type: 'drain', worker: 'a', drained: true })).toHaveLength(1);
  expect(world.handle({ type: 'drain', worker: 'a', drained: true })).toEqual([]);
  expect(world.handle({ type: 'drain', worker: 'unknown', drained: true })).toEqual([]);
});

test('a drained worker finishes what it runs', () => {
  const { world, a, job } = onA();
  world.handle({ type: 'drain', worker: 'a', drained: true });
  expect(world.list('a')).toEqual(['j/1']);
  world.report(a, [ended('j', { exitCode: 0 })], { draining: true });
  expect(job.outcome?.exitCode).toBe(0);
});

test('a state on a connection that never said hello, or was replaced, is ignored', () => {
  const { world, a, job } = onA();
  const second = world.worker('a', { attempts: [running('j')] });
  const state = {
    type: 'state',
    revision: 99,
    ready: false,
    draining: true,
    load: null,
    attempts: [],
  } as const;
  for (const connection of [a, 77]) {
    expect(world.handle({ type: 'worker-state', connection, state: { ...state, attempts: [] } })).toEqual([]);
  }
  expect(world.workerOn(second)).toMatchObject({ ready: true, draining: false });
  expect(job.current?.number).toBe(1);
});

test('an operator’s drain outlives the worker’s process, and ends when it is taken back', () => {
  const world = World.settled();
  const first = world.worker('a');
  world.handle({ type: 'drain', worker: 'a', drained: true });
  world.disconnect(first);
  world.advance(world.settings.workerReconnectMs);
  world.worker('a', { instance: 'another process' });
  const job = world.submit(world.relay(), 'job', { local: false });
  expect(job.current).toBeNull();
  world.handle({ type: 'drain', worker: 'a', drained: false });
  expect(job.current?.worker).toBe('a');
});
