import { expect, test } from 'vitest';
import { MUTANTS, tryMutant } from './mutants.ts';

/** Enough for the rarest: `npm run simulate` over the mutant finds each within a fraction of these. */
const SEEDS = 2_000;

test.concurrent.each(MUTANTS)(
  'the simulation notices when $what',
  async (mutant) => {
    const { caught, printed } = await tryMutant(mutant, SEEDS);
    expect(caught, printed).toBe(true);
  },
  120_000,
);
