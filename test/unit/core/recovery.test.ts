import { describe, expect, test } from 'vitest';
import type { Outcome } from '#shared/job.ts';
import { jobState } from '../../../orchestrator/core/model.ts';
import { ended, preparing, running, World } from './world.ts';

describe('after a restart of the orchestrator', () => {
  test('a job whose relay comes first waits for its worker, and goes on there', () => {
    const world = new World();
    const job = world.submit(world.relay('r', ['j']), 'j', {}, 3);
    expect(jobState(job)).toBe('queued');
    expect(world.cluster.whyWaiting(job)).toContain('before the orchestrator started');
    world.worker('free');
    expect(job.current).toBeNull();
    world.worker('w', { attempts: [running('j', 3)] });
    expect(job.current).toMatchObject({ number: 3, phase: 'running', startedAt: 0, endedAt: null });
    expect(world.list('w')).toEqual(['j/3']);
    expect(job.story.map(({ event }) => event)).toEqual(['submitted', 'adopted']);
    world.advance(60_000);
    expect(job.current).toMatchObject({ worker: 'w', number: 3 });
    expect(world.spread()).toEqual([0, 1]);
  });

  test('an attempt whose worker comes first runs on until its relay comes', () => {
    const world = new World();
    world.worker('w', { slots: 2, attempts: [running('j', 3), preparing('k')] });
    expect(world.list('w')).toEqual(['j/3', 'k/1']);
    expect(world.spread()).toEqual([2]);
    world.advance(20_000);
    const relay = world.relay('r', ['j', 'k']);
    const job = world.submit(relay, 'j', {}, 3);
    const other = world.submit(relay, 'k');
    expect(job.current).toMatchObject({ worker: 'w', number: 3, phase: 'running' });
    expect(other.current).toMatchObject({ worker: 'w', number: 1, phase: 'preparing', startedAt: null });
    expect(world.cluster.queued).toBe(0);
    world.worker('free');
    world.advance(60_000);
    expect(world.list('w')).toEqual(['j/3', 'k/1']);
    expect(world.spread()).toEqual([2, 0]);
  });

  test('the relay is told where its job runs as soon as the worker comes', () => {
    const world = new World();
    const relay = world.relay('r', ['j']);
    const job = world.submit(relay, 'j', {}, 3);
    world.worker('w', { attempts: [running('j', 3)] });
    expect(world.effects).toContainEqual({ type: 'tell-relay', connection: relay, job });
  });

  test('a job whose worker stays away gets another attempt when the window is over', () => {
    const world = new World();
    world.worker('other');
    const job = world.submit(world.relay(), 'j', {}, 3);
    world.advance(2_999);
    expect(job.current).toBeNull();
    world.advance(1);
    expect(job.current).toMatchObject({ worker: 'other', number: 4 });
  });

  test('a job that may only run elsewhere waits on when the window is over, and says for what', () => {
    const world = new World();
    const job = world.submit(world.relay(), 'j', { local: false }, 3);
    world.advance(3_000);
    expect(jobState(job)).toBe('queued');
    expect(world.cluster.whyWaiting(job)).toBe('no worker is connected');
  });

  test('a job that never ran is placed at once, window or not', () => {
    const world = new World();
    world.worker('w');
    expect(world.submit(world.relay(), 'j').current?.worker).toBe('w');
  });

  test('a job that comes back late gives its worker as long as any other', () => {
    const world = World.settled();
    world.worker('w');
    const job = world.submit(world.relay(), 'j', {}, 3);
    world.advance(2_999);
    expect(world.cluster.isRecovering(job)).toBe(true);
    world.worker('late', { attempts: [running('j', 3)] });
    expect(job.current).toMatchObject({ worker: 'late', number: 3 });
    const other = world.submit(world.relay('another'), 'k', {}, 3);
    world.advance(3_000);
    expect(other.current).toMatchObject({ worker: 'w', number: 4 });
  });

  test('a recovering job that is cancelled ends at once, and its worker is told to end it', () => {
    const world = new World();
    const job = world.submit(world.relay(), 'j', {}, 1);
    world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
    expect(job.outcome?.reason).toBe('cancelled');
    world.worker('w', { attempts: [running('j')] });
    expect(world.list('w')).toEqual([]);
    world.advance(3_000);
    expect(world.cluster.queued).toBe(0);
  });

  test('an attempt that ended meanwhile ends its job, whoever comes first', () => {
    const first = new World();
    first.worker('w', { attempts: [ended('j', { exitCode: 0 }, 2)] });
    expect(first.list('w')).toEqual(['j/2']);
    expect(first.spread()).toEqual([0]);
    const job = first.submit(first.relay(), 'j', {}, 2);
    expect(job.outcome?.exitCode).toBe(0);
    expect(first.list('w')).toEqual([]);
    expect(first.spread()).toEqual([0]);

    const second = new World();
    const waiting = second.submit(second.relay(), 'j', {}, 2);
    second.worker('w', { attempts: [ended('j', { exitCode: 0 }, 2)] });
    expect(waiting.outcome?.exitCode).toBe(0);
    expect(second.spread()).toEqual([0]);
  });
});

describe('an attempt without its job', () => {
  test('is ended when no relay claims it in time', () => {
    const world = new World();
    world.worker('w', { attempts: [running('j')] });
    world.advance(29_999);
    expect(world.list('w')).toEqual(['j/1']);
    world.advance(1);
    expect(world.list('w')).toEqual([]);
    expect(world.spread()).toEqual([0]);
    const job = world.submit(world.relay(), 'j');
    expect(job.story.map(({ event }) => event)).toEqual(['submitted', 'queued', 'placed']);
  });

  test('is nobody’s any more once its job has taken it', () => {
    const world = new World({ historySize: 0 });
    const worker = world.worker('w', { attempts: [running('j')] });
    const relay = world.relay();
    world.submit(relay, 'j', {}, 1);
    world.report(worker, [ended('j', { exitCode: 0 })]);
    world.release(relay, 'j');
    const again = world.submit(relay, 'j');
    expect(again.story.map(({ event }) => event)).toEqual(['submitted', 'queued', 'placed']);
    expect(again.outcome).toBeNull();
  });

  test('stays with the first of two workers that name the same attempt', () => {
    const world = new World();
    world.worker('first', { attempts: [running('j')] });
    world.worker('second', { attempts: [running('j')] });
    expect([world.list('first'), world.list('second')]).toEqual([['j/1'], []]);
  });

  test('is gone when its worker was restarted', () => {
    const world = new World();
    world.disconnect(world.worker('w', { attempts: [running('j')] }));
    world.worker('w', { instance: 'restarted' });
    const job = world.submit(world.relay(), 'j', {}, 1);
    expect(job.current).toBeNull();
    world.advance(3_000);
    expect(job.current?.number).toBe(2);
  });

  test('of a job that ended and was released is not wanted', () => {
    const world = World.settled();
    const relay = world.relay();
    world.submit(relay, 'j');
    world.release(relay, 'j');
    world.worker('w', { attempts: [running('j')] });
    expect(world.list('w')).toEqual([]);
  });

  test('gives way to a higher one on another worker, and no lower one takes its place', () => {
    const world = new World();
    world.worker('low', { attempts: [running('j', 1)] });
    world.worker('high', { attempts: [running('j', 2)] });
    world.worker('lowest', { attempts: [running('j', 1)] });
    expect([world.list('low'), world.list('high'), world.list('lowest')]).toEqual([[], ['j/2'], []]);
    expect(world.spread()).toEqual([0, 1, 0]);
    expect(world.submit(world.relay(), 'j', {}, 2).current).toMatchObject({ worker: 'high', number: 2 });
  });

  test('that is older than what the relay knows is ended, and its slot is free for the next', () => {
    const world = World.settled();
    const worker = world.worker('w', { slots: 2, attempts: [running('j', 1)] });
    const job = world.submit(world.relay(), 'j', {}, 2);
    world.advance(3_000);
    expect(job.current).toMatchObject({ worker: 'w', number: 3 });
    expect(world.list('w')).toEqual(['j/3']);
    expect(world.spread()).toEqual([1]);
    world.advance(60_000);
    world.report(worker, [ended('j', { exitCode: 0 }, 3)]);
    expect(job.outcome?.exitCode).toBe(0);
    expect(world.spread()).toEqual([0]);
  });

  test('that ends frees its slot for a waiting job at once', () => {
    const world = World.settled();
    const worker = world.worker('w', { attempts: [running('orphan')] });
    const job = world.submit(world.relay(), 'j');
    expect(job.current).toBeNull();
    world.report(worker, [ended('orphan', { exitCode: 0 })]);
    expect(job.current?.worker).toBe('w');
  });

  test.each<[string, Partial<Outcome>]>([
    ['that fails soon after', { exitCode: 1 }],
    ['that the orchestrator before had cancelled', { reason: 'cancelled', signal: 'SIGTERM' }],
  ])('%s is not tried again: it may have run for hours', (_, outcome) => {
    const world = new World();
    const worker = world.worker('w', { attempts: [running('j')] });
    world.worker('other');
    const job = world.submit(world.relay(), 'j', {}, 1);
    world.report(worker, [ended('j', outcome)]);
    expect(job.outcome).toMatchObject(outcome);
    expect(job.attempts).toHaveLength(1);
  });

  test('that ended is not lost: its worker keeps the outcome until the job has come for it', () => {
    const world = new World();
    const worker = world.worker('w', { attempts: [running('j')] });
    world.report(worker, [ended('j', { exitCode: 7, stdoutBytes: 1 })]);
    expect(world.list('w')).toEqual(['j/1']);
    expect(world.spread()).toEqual([0]);
    const relay = world.relay();
    expect(world.submit(relay, 'j', {}, 1).outcome?.exitCode).toBe(7);
    expect(world.list('w')).toEqual(['j/1']);
    world.release(relay, 'j');
    expect(world.list('w')).toEqual([]);
    expect(world.spread()).toEqual([0]);
  });

  test('goes with its worker', () => {
    const world = new World();
    const worker = world.worker('w', { attempts: [running('j')] });
    world.disconnect(worker);
    world.advance(2_000);
    const job = world.submit(world.relay(), 'j', { local: false }, 1);
    expect(job.current).toBeNull();
    world.worker('other');
    world.advance(3_000);
    expect(job.current).toMatchObject({ worker: 'other', number: 2 });
  });
});

test('a higher attempt than the placed one takes its place: somebody knows more', () => {
  const world = World.settled();
  world.worker('a');
  const job = world.submit(world.relay(), 'j');
  world.worker('b', { attempts: [running('j', 7)] });
  expect(job.current).toMatchObject({ worker: 'b', number: 7 });
  expect([world.list('a'), world.list('b')]).toEqual([[], ['j/7']]);
  const told = world.effects.flatMap((effect) => (effect.type === 'tell-worker' ? [effect.worker.name] : []));
  expect(told).toContain('a');
  expect(world.spread()).toEqual([0, 1]);
  world.report(world.workerCalled('b').connection ?? 0, []);
  expect(job.current?.number).toBe(8);
});

test('an attempt that is taken over while its job is being cancelled is to end, too', () => {
  const world = World.settled();
  world.worker('a');
  world.submit(world.relay(), 'j');
  world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGINT' });
  world.worker('b', { attempts: [running('j', 7)] });
  expect([world.list('a'), world.list('b')]).toEqual([[], ['j/7 SIGINT']]);
});

test('of two workers with the same attempt the placed one keeps it', () => {
  const world = World.settled();
  world.worker('a');
  const job = world.submit(world.relay(), 'j');
  world.worker('b', { attempts: [running('j', 1)] });
  expect(job.current?.worker).toBe('a');
  expect([world.list('a'), world.list('b')]).toEqual([['j/1'], []]);
});

test('a job of which PMS has a part waits longer for another attempt than one that nobody watches yet', () => {
  const world = World.settled();
  const [worker, relay] = [world.worker('w'), world.relay()];
  const [watched, fresh] = ['watched', 'fresh'].map((jobId) => world.submit(relay, jobId, { local: false }));
  const nothing = {
    progress: null,
    speed: null,
    resume: null,
    obstacle: null,
    duration: null,
    readError: null,
  };
  world.handle({
    ...{ type: 'relay-message', connection: relay },
    message: { type: 'checkpoint', jobId: 'watched', attempt: 1, announced: 3, ...nothing },
  });
  world.disconnect(worker);
  world.advance(2_000 + 5_000);
  expect([watched?.outcome?.reason, fresh?.outcome?.reason]).toEqual([undefined, 'no-worker']);
  world.advance(25_000);
  expect(watched?.outcome?.reason).toBe('no-worker');
});
