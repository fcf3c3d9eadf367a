import { expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { shortRun } from '../../worker/capabilities/shortRun.ts';

test('a run may give way to everything else', async () => {
  const script = 'until [ "$(nice)" -eq 19 ]; do :; done; nice';
  const run = await shortRun({
    ...{ file: '/bin/sh', words: ['-c', script], env: { PATH: '/usr/bin:/bin' } },
    ...{ clock: systemClock, deadlineMs: 5_000, niceness: 19 },
  });
  expect(run).toMatchObject({ exitCode: 0, stdout: '19\n' });
});
