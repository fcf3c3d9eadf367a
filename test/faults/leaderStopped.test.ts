import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../simulation/random.ts';
import { SHORT_LEASE } from '../support/replicas.ts';
import { leaderStoppedLane } from '../support/rounds/leaderRounds.ts';
import type { Lane } from '../support/rounds/rounds.ts';

let lane: Lane;

beforeAll(async () => {
  lane = await leaderStoppedLane({ lease: SHORT_LEASE, signals: () => ['SIGKILL', 'SIGSTOP', 'SIGTERM'] });
}, 120_000);

afterAll(() => lane.stop());

/** `npm run endurance -- rounds leader` does it more often, with the real times. */
test('the leader is killed, the next one stands still, the next one is told to stop; viewers and exit codes know nothing of it', async () => {
  const { misses } = await lane.play(0, new Random(1));
  expect(misses).toEqual([]);
}, 120_000);
