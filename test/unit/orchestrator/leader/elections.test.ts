import { expect, test } from 'vitest';
import { Random } from '../../../simulation/random.ts';
import { DURATION_MS, Elections, RETRY_MS } from './elections.ts';

const SEEDS = 300;

/** 15 s of a clock that is 19 % fast are more than 10 s of one that is 19 % slow. */
const DRIFT = 0.19;

test('whatever happens, never two lead at once, every leader has a higher term, and there is one again', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = new Random(seed);
    const weather = { latencyMs: random.pick([10, 300, 4_000]), lossShare: random.pick([0, 0.1, 0.5]) };
    const world = new Elections(random, weather, random.integer(2, 4), DRIFT);
    for (let count = 0; count < 20; count += 1) {
      world.runUntil(() => false, random.next() * 20_000);
      world.runUntil(() => world.candidates.length > 0, 1_000);
      const someone = random.pick(world.candidates);
      const fault = random.pick([
        () => world.restart(someone),
        () => someone.freeze(random.next() * 40_000),
        () => {
          someone.release();
          world.restart(someone);
        },
        () => {
          weather.lossShare = random.pick([0, 0.3, 1]);
        },
      ]);
      fault();
    }
    Object.assign(weather, { latencyMs: 10, lossShare: 0 });
    // What was frozen or on its way for long is done by then.
    world.runUntil(() => false, 60_000);
    expect(
      world.runUntil(() => world.leader !== null, 30_000),
      `seed ${seed}: nobody leads`,
    ).toBe(true);
    expect(world.problems, `seed ${seed}`).toEqual([]);
  }
});

test('after a crash somebody leads within 17 s, after a release within 2 s', () => {
  const times = { crash: [] as number[], release: [] as number[] };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const what of ['crash', 'release'] as const) {
      const random = new Random(seed);
      const world = new Elections(random, { latencyMs: 5, lossShare: 0 }, 2, 0);
      world.runUntil(() => world.leader !== null, 5_000);
      world.runUntil(() => false, 5_000 + random.next() * 2_000);
      const leader = world.leader;
      if (!leader) throw new Error('nobody leads');
      if (what === 'release') {
        leader.release();
        world.runUntil(() => world.store.lease?.holder === null, 100);
      }
      world.restart(leader);
      const since = world.loop.now;
      world.runUntil(() => world.leader !== null, 30_000);
      times[what].push(world.loop.now - since);
    }
  }
  const limit = { crash: DURATION_MS + RETRY_MS + 20, release: RETRY_MS + 20 };
  for (const what of ['crash', 'release'] as const)
    expect(Math.max(...times[what]), what).toBeLessThan(limit[what]);
  expect(Math.min(...times.crash)).toBeGreaterThan(DURATION_MS - RETRY_MS);
});
