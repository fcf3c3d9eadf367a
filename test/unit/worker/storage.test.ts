import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { Mount } from '#shared/protocol/messages.ts';
import { Storage } from '../../../worker/storage/storage.ts';

const schema = Compile(Mount);

test('the problem of a mount may be sent, however long its path is', async () => {
  const path = `/${'x'.repeat(4_000)}`;
  const storage = new Storage([{ path, mode: 'ro', optional: false }], systemClock, () => undefined);
  await storage.start();
  storage.stop();
  const [mount] = storage.mounts;
  expect(mount?.problem).toMatch(/^\/xxx/);
  expect(schema.Check(mount)).toBe(true);
});

test('a mount for which no program can be started is a problem, and no crash', async () => {
  const storage = new Storage([{ path: '/a\0b', mode: 'ro', optional: false }], systemClock, () => undefined);
  await storage.start();
  storage.stop();
  expect(storage.problems).toEqual([expect.stringMatching(/could not be tried: .*null bytes/)]);
});
