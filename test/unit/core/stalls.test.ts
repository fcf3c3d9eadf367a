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
