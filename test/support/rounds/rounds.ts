import { Random } from '../../simulation/random.ts';

/** What one round showed. */
export interface Round {
  readonly what: string;
  /** How long it took until the cluster went on. Null: there was nothing to wait for. */
  readonly ms: number | null;
  /** What was not as it should be. */
  readonly misses: readonly string[];
  /** What else there is to tell. */
  readonly note?: string;
}

/** One stage on which rounds are played, one after another. */
export interface Lane {
  play(number: number, random: Random): Promise<Round>;
  stop(): Promise<void>;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly lanes: number;
  readonly seed: number;
  say(text: string): void;
}

/** Plays all rounds, several at a time, each with a seed of its own, and says what came of it. Returns the misses. */
export async function playRounds(options: RoundsOptions, open: () => Promise<Lane>): Promise<number> {
  const { rounds, lanes, seed, say } = options;
  const played: Round[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    const stage = await open();
    try {
      while (next < rounds) {
        const number = next;
        next += 1;
        const round = await stage.play(number, new Random(seed * 1_000_003 + number));
        played.push(round);
        if (round.note) say(`round ${number}, ${round.what}: ${round.note}`);
        for (const miss of round.misses) say(`round ${number} (seed ${seed}), ${round.what}: ${miss}`);
      }
    } finally {
      await stage.stop();
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, rounds) }, lane));
  const times = played.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((one, other) => one - other);
  const misses = played.filter((round) => round.misses.length > 0).length;
  const [p50 = 0, max = 0] = [times[Math.floor(times.length / 2)], times.at(-1)];
  say(
    `${played.length} rounds, ${misses} with a miss; went on after p50 ${p50.toFixed(0)} ms, ` +
      `max ${max.toFixed(0)} ms (of ${times.length}); ${counted(played)}`,
  );
  return misses;
}

/** Resolves to null when that takes longer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function counted(played: readonly Round[]): string {
  const counts = new Map<string, number>();
  for (const { what } of played) counts.set(what, (counts.get(what) ?? 0) + 1);
  return [...counts].map(([what, count]) => `${what} ${count}`).join(', ');
}
