import { expect, test } from 'vitest';
import { running, World } from './world.ts';

function stuck() {
  const world = World.settled();
  const relay = world.relay();
  const a = world.worker('a', { slots: 2 });
  const [still, moving] = [world.submit(relay, 'still'), world.submit(relay, 'moving')];
  world.worker('b', { slots: 2 });
  const attempts = [running('still'), running('moving')];
  world.report(a, attempts);
  world.advance(60_000);
  world.report(a, attempts, { ready: false });
  const progress = (announced: number): void => {
    const checkpoint = {
      attempt: 1,
      progress: 1,
      speed: 1,
      announced,
      resume: null,
      obstacle: null,
      duration: null,
      readError: null,
    };
    const message = { type: 'checkpoint', jobId: 'moving', ...checkpoint } as const;
    world.handle({ type: 'relay-message', connection: relay, message });
  };
  return { world, a, attempts, still, moving, progress };
}

test('what makes no progress on a worker that is not ready moves; what does stays', () => {
  const { world, still, moving, progress } = stuck();
  world.advance(5_000);
  progress(1);
  world.advance(4_999);
  expect(still.current?.worker).toBe('a');
  world.advance(1);
  expect(still.current).toMatchObject({ worker: 'b', number: 2 });
  expect(still.attempts[0]?.outcome?.message).toMatch('no progress for 10000 ms on a');
  expect(world.list('a')).toEqual(['moving/1']);
  expect(moving.current?.worker).toBe('a');
  world.advance(10_000);
  expect(moving.current?.worker).toBe('b');
  expect(world.list('a')).toEqual([]);
});

test('a worker that is ready again in time keeps everything', () => {
  const { world, a, attempts, still } = stuck();
  world.advance(9_999);
  world.report(a, attempts);
  world.advance(60_000);
  expect(still.current).toMatchObject({ worker: 'a', number: 1 });
});

/** One job on `a`, of which nothing runs since now; `b` is free. */
function standing() {
  const world = World.settled();
  const relay = world.relay();
  const a = world.worker('a');
  const job = world.submit(relay, 'j');
  world.report(a, [running('j')]);
  world.worker('b');
  world.advance(60_000);
  world.report(a, [{ ...running('j'), still: true }]);
  const waiting = (attempt: number, isWaiting: boolean): void => {
    const message = { type: 'waiting', jobId: 'j', attempt, waiting: isWaiting } as const;
    world.handle({ type: 'relay-message', connection: relay, message });
  };
  return { world, relay, a, job, waiting };
}

test('a transcoder that stands still moves, with where PMS is, and its worker is told to end it', () => {
  const { world, job } = standing();
  world.advance(9_999);
  expect(job.current).toMatchObject({ worker: 'a', number: 1 });
  world.advance(1);
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
  expect(job.attempts[0]?.outcome?.message).toMatch('it stood still for 10000 ms on a');
  expect(world.list('a')).toEqual([]);
});

test('one that has run meanwhile stays', () => {
  const { world, a, job } = standing();
  world.advance(9_000);
  world.report(a, [running('j')]);
  world.advance(9_000);
  world.report(a, [{ ...running('j'), still: true }]);
  world.advance(9_999);
  expect(job.current).toMatchObject({ number: 1 });
});

test('one that waits for PMS stays for hours, wherever it is, and moves when it then stands still', () => {
  const { world, a, job, waiting } = standing();
  waiting(1, true);
  world.advance(4 * 3_600_000);
  world.report(a, [{ ...running('j'), still: true }], { ready: false });
  world.advance(3_600_000);
  expect(job.current).toMatchObject({ worker: 'a', number: 1 });
  world.report(a, [{ ...running('j'), still: true }]);
  waiting(1, false);
  world.advance(10_000);
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
});

test('what an earlier attempt waits for says nothing of this one', () => {
  const { world, job, waiting } = standing();
  waiting(2, true);
  world.advance(10_000);
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
});

test('while no relay says what it waits for, it stays', () => {
  const { world, relay, job } = standing();
  world.disconnect(relay);
  world.advance(20_000);
  expect(job.current).toMatchObject({ number: 1 });
  world.submit(world.relay('again'), 'j', {}, 1);
  world.advance(10_000);
  expect(job.current).toMatchObject({ number: 2 });
});

test('what another relay knew of it counts no more', () => {
  const { world, relay, job, waiting } = standing();
  waiting(1, true);
  world.disconnect(relay);
  world.submit(world.relay('again'), 'j', {}, 1);
  world.advance(10_000);
  expect(job.current).toMatchObject({ number: 2 });
});

test('it stays on a worker that is alone, as a new attempt', () => {
  const { world, a, job } = standing();
  world.disconnect(world.workerCalled('b').connection ?? 0);
  world.advance(10_000);
  expect(job.current).toMatchObject({ worker: 'a', number: 2 });
  expect(world.list('a')).toEqual(['j/2']);
  world.report(a, [running('j', 2)]);
  world.advance(60_000);
  expect(job.current).toMatchObject({ number: 2 });
});

/** PMS accepted this much of a film of two hours; a next attempt goes on there. */
function accept(world: World, connection: number, attempt: number, seconds: number): void {
  const checkpoint = {
    ...{
      attempt,
      progress: (seconds / 7_200) * 100,
      speed: 1,
      announced: 1,
      obstacle: null,
      readError: null,
    },
    ...{ duration: 7_200, resume: { segment: seconds / 3, seconds } },
  };
  world.handle({
    ...{ type: 'relay-message', connection },
    message: { type: 'checkpoint', jobId: 'j', ...checkpoint },
  });
}

/** Where it went on it stands still at once, or after so many seconds of the film. */
function standsAgain(seconds: number | null) {
  const stood = standing();
  const { world, relay } = stood;
  accept(world, relay, 1, 1_500);
  world.advance(10_000);
  const b = world.workerCalled('b').connection ?? 0;
  world.worker('c');
  world.report(b, [running('j', 2)]);
  if (seconds !== null) accept(world, relay, 2, seconds);
  world.report(b, [{ ...running('j', 2), still: true }]);
  world.advance(10_000);
  return stood;
}

test.each([null, 1_530])('two that stood still in the same place: it is the source', (seconds) => {
  const { job } = standsAgain(seconds);
  expect(job.outcome).toMatchObject({
    reason: 'incomplete',
    message: 'its input could not be read on: it stood still, on a, b',
  });
  expect(job.attempts).toHaveLength(2);
});

test('one that stands still further on has found it healthy: a third one goes on', () => {
  const { job } = standsAgain(3_000);
  expect(job.current).toMatchObject({ worker: 'c', number: 3 });
});

test('a worker that is alone stands still twice', () => {
  const { world, a, job } = standing();
  world.disconnect(world.workerCalled('b').connection ?? 0);
  world.advance(10_000);
  world.report(a, [{ ...running('j', 2), still: true }]);
  world.advance(10_000);
  expect(job.outcome).toMatchObject({
    reason: 'incomplete',
    message: expect.stringMatching(/stood still, on a$/),
  });
});
