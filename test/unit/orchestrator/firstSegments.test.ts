import { expect, test } from 'vitest';
import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import { FirstSegments } from '../../../orchestrator/api/firstSegments.ts';
import { running, World } from '../core/world.ts';

function checkpoint(announced: number): Checkpoint {
  return {
    ...{ type: 'checkpoint', jobId: 'j', attempt: 1, progress: null, speed: null, announced },
    ...{ resume: null, obstacle: null, duration: null, readError: null },
  };
}

/** A world in which the relay has told of a first segment after a second and a half. */
function told(attempt: number): { waited: number | null; longest: number | null } {
  const world = World.settled();
  const segments = new FirstSegments();
  world.worker('a', { attempts: attempt > 0 ? [running('j')] : [] });
  const relay = world.relay();
  world.submit(relay, 'j', {}, attempt);
  for (const announced of [0, 1, 2]) {
    world.advance(750);
    for (const effect of world.handle({
      type: 'relay-message',
      connection: relay,
      message: checkpoint(announced),
    })) {
      if (effect.type === 'job-changed') segments.observe(effect);
    }
  }
  return { waited: segments.of(world.job('j')), longest: segments.takeLongest() };
}

test('PMS waited from the submission to the first segment that it accepted', () => {
  expect(told(0)).toEqual({ waited: 1_500, longest: 1_500 });
});

test('of a job from before a restart nobody knows', () => {
  expect(told(1)).toEqual({ waited: null, longest: null });
});
