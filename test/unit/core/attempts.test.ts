import { describe, expect, test } from 'vitest';
import type { Outcome } from '#shared/job.ts';
import { jobState } from '../../../orchestrator/core/model.ts';
import { ended, preparing, running, World } from './world.ts';

/** A job on `a`, with `b` free beside it. */
function onA(settings: ConstructorParameters<typeof World>[0] = {}) {
  const world = World.settled(settings);
  const a = world.worker('a');
  const relay = world.relay();
  const job = world.submit(relay, 'j');
  world.worker('b');
  world.report(a, [running('j')]);
  return { world, a, relay, job };
}

describe('how an attempt ends is how its job ends', () => {
  test.each<[string, Partial<Outcome>]>([
    ['exit code 0', { exitCode: 0, stdoutBytes: 12 }],
    ['a failure with output', { exitCode: 1, stdoutBytes: 1 }],
    ['a signal, after output', { signal: 'SIGSEGV', stdoutBytes: 9, message: 'it crashed' }],
    ['an end that was asked for on the worker', { reason: 'cancelled', signal: 'SIGTERM', stdoutBytes: 1 }],
  ])('%s', (_, outcome) => {
    const { world, a, job } = onA();
    world.report(a, [ended('j', outcome)]);
    expect(job.outcome).toEqual(ended('j', outcome).outcome);
    expect(jobState(job)).toBe('ended');
    expect(world.spread()).toEqual([0, 0]);
  });

  test('its worker keeps the output until the relay has the whole of it', () => {
    const { world, a, relay } = onA();
    world.report(a, [ended('j', { exitCode: 0, stdoutBytes: 12 })]);
    expect(world.list('a')).toEqual(['j/1']);
    expect(world.report(a, [ended('j', { exitCode: 0, stdoutBytes: 12 })])).toEqual([]);
    world.release(relay, 'j');
    expect(world.list('a')).toEqual([]);
  });

  test('without output there is nothing to keep', () => {
    const { world, a } = onA();
    world.report(a, [ended('j', { exitCode: 0 })]);
    expect(world.list('a')).toEqual([]);
  });

  test('a worker that restarts, or forgets, after the end changes nothing about it', () => {
    const { world, a, job } = onA();
    world.report(a, [ended('j', { exitCode: 3, stdoutBytes: 12 })]);
    world.report(a, []);
    expect(world.list('a')).toEqual([]);
    expect(job.attempts[0]?.outcome).toMatchObject({ reason: 'exited', exitCode: 3 });
  });

  test('an end is told to the relay, once', () => {
    const { world, a, relay } = onA();
    world.report(a, [ended('j', { exitCode: 0 })]);
    const told = world.effects.filter((effect) => effect.type === 'tell-relay');
    expect(told).toMatchObject([{ connection: relay }]);
    expect(world.report(a, [ended('j', { exitCode: 0 })])).toEqual([]);
  });

  test('an end that was already told does not change when the worker says another', () => {
    const { world, a, job } = onA();
    world.report(a, [ended('j', { exitCode: 0 })]);
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(job.outcome?.exitCode).toBe(0);
  });
});

describe('a transcoder that fails at once', () => {
  test('is tried once more, on another worker', () => {
    const { world, a, job } = onA();
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(job.current).toMatchObject({ worker: 'b', number: 2 });
    expect(job.outcome).toBeNull();
    const [, b] = [...world.cluster.workers.values()];
    world.report(b?.connection ?? 0, [ended('j', { exitCode: 69 }, 2)]);
    expect(job.outcome).toMatchObject({ reason: 'exited', exitCode: 69 });
    expect(job.attempts.map(({ worker }) => worker)).toEqual(['a', 'b']);
  });

  test('waits for the other worker while that has no slot, and never goes back to the first', () => {
    const { world, a, relay, job } = onA();
    const other = world.submit(relay, 'other');
    expect(other.current?.worker).toBe('b');
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(jobState(job)).toBe('queued');
    world.report(world.workerCalled('b').connection ?? 0, [ended('other', { exitCode: 0 })]);
    expect(job.current?.worker).toBe('b');
  });

  test('is not tried again when there is no other worker', () => {
    const world = World.settled();
    const a = world.worker('a');
    const job = world.submit(world.relay(), 'j');
    world.report(a, [running('j')]);
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(job.outcome?.exitCode).toBe(1);
  });

  test('is not tried again when it ran for a while', () => {
    const { world, a, job } = onA({ earlyExitMs: 5_000 });
    world.advance(5_000);
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(job.outcome?.exitCode).toBe(1);
  });

  test('is judged by how long it ran, not by how long it was prepared', () => {
    const world = World.settled({ earlyExitMs: 5_000 });
    const a = world.worker('a');
    const job = world.submit(world.relay(), 'j');
    world.worker('b');
    world.report(a, [preparing('j')]);
    world.advance(60_000);
    world.report(a, [running('j')]);
    world.advance(4_999);
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(job.current?.worker).toBe('b');
  });

  test('is not tried again when PMS has accepted something of it', () => {
    const { world, a, relay, job } = onA();
    const message = {
      type: 'checkpoint',
      jobId: 'j',
      attempt: 1,
      progress: 0.1,
      speed: null,
      announced: 1,
      resume: null,
      obstacle: null,
      duration: null,
      readError: null,
    } as const;
    world.handle({ type: 'relay-message', connection: relay, message });
    world.report(a, [ended('j', { exitCode: 1 })]);
    expect(job.outcome?.exitCode).toBe(1);
  });

  test('is tried again although an earlier attempt was lost: that one did not fail', () => {
    const { world, a, job } = onA();
    world.report(a, []);
    expect(job.current?.number).toBe(2);
    const name = job.current?.worker ?? '';
    const connection = world.workerCalled(name).connection ?? 0;
    world.report(connection, [ended('j', { exitCode: 1 }, 2)]);
    expect(job.outcome).toBeNull();
    expect(job.current?.number).toBe(3);
    expect(job.current?.worker).not.toBe(name);
  });
});

test('a worker that refuses a job is not asked again, and another takes it', () => {
  const { world, a, job } = onA();
  world.report(a, [ended('j', { reason: 'refused', message: 'mount /mnt/media: stale' })]);
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
  world.report(a, []);
  expect(world.list('a')).toEqual([]);
  expect(world.spread()).toEqual([0, 1]);
});

test('a job that everybody refused ends with the last reason, at once when it may run locally', () => {
  const { world, a, job } = onA();
  world.report(a, [ended('j', { reason: 'refused', message: 'no mount' })]);
  const b = world.workerCalled('b').connection ?? 0;
  world.report(b, [ended('j', { reason: 'refused', message: 'no codec' }, 2)]);
  expect(job.outcome).toMatchObject({ reason: 'refused', message: 'b refused it: no codec' });
});

test('lost attempts are made again, until the fifth: then the job is the suspect', () => {
  const world = World.settled();
  const a = world.worker('a');
  const job = world.submit(world.relay(), 'j');
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    expect(job.current?.number).toBe(attempt);
    world.report(a, []);
    expect(job.outcome).toBeNull();
  }
  expect(job.current?.number).toBe(5);
  world.report(a, []);
  expect(job.outcome?.reason).toBe('lost');
  expect(job.outcome?.message).toContain('5 attempts');
  expect(job.attempts).toHaveLength(5);
});

test('an attempt that failed for an internal reason of its worker is made again', () => {
  const { world, a, job } = onA();
  world.report(a, [ended('j', { reason: 'failed', message: 'spawn EAGAIN' })]);
  expect(job.current?.number).toBe(2);
});

test('an attempt counts as started when it runs, or when it ended and had a process', () => {
  const world = World.settled();
  const a = world.worker('a', { slots: 2 });
  const relay = world.relay();
  const one = world.submit(relay, 'one');
  const two = world.submit(relay, 'two');
  world.report(a, [preparing('one'), preparing('two')]);
  expect(one.current?.startedAt).toBeNull();
  world.advance(100);
  const effects = world.report(a, [running('one'), ended('two', { exitCode: 0 })]);
  const changes = effects.flatMap((effect) => {
    return effect.type === 'job-changed' ? [`${effect.job.spec.jobId} ${effect.event}`] : [];
  });
  expect(changes).toEqual(['one started', 'two started', 'two attempt-ended', 'two ended']);
  expect(one.current).toMatchObject({ startedAt: world.now, phase: 'running' });
  expect(two.attempts[0]).toMatchObject({ startedAt: world.now, endedAt: world.now, phase: 'ended' });
  expect(two.story.map(({ event }) => event)).toEqual([
    'submitted',
    'queued',
    'placed',
    'started',
    'attempt-ended',
    'ended',
  ]);
});

test('an attempt that never had a process never started', () => {
  const world = World.settled();
  const a = world.worker('a');
  const job = world.submit(world.relay(), 'j', { local: false });
  world.report(a, [ended('j', { reason: 'refused', message: 'no mount' })]);
  expect(job.attempts[0]).toMatchObject({ startedAt: null, phase: 'ended' });
  expect(job.story.map(({ event }) => event)).not.toContain('started');
});

test('what is said about an earlier attempt changes nothing', () => {
  const { world, a, job } = onA();
  world.report(a, [ended('j', { exitCode: 1 })]);
  world.report(a, [ended('j', { exitCode: 0 })]);
  expect(job.outcome).toBeNull();
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
});
