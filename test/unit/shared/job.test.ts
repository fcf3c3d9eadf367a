import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { Outcome, outcomeWithoutProcess } from '#shared/job.ts';

const schema = Compile(Outcome);

test('an outcome may be sent, whatever its message quotes', () => {
  for (const length of [0, 8_192, 8_193, 100_000]) {
    const outcome = outcomeWithoutProcess('refused', `begins ${'🎬'.repeat(length)}`);
    expect([length, schema.Check(outcome)]).toEqual([length, true]);
    expect(outcome.message).toMatch(/^begins /);
  }
});
