import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mountsIn } from '#shared/storage/mountTable.ts';
import { Remounts } from '../../../worker/storage/remounts.ts';
import { FakeClock } from '../orchestrator/fakeClock.ts';

const ROOT = '22 1 254:0 / / rw - ext4 /dev/vda rw\n';
const W1 = '30 22 0:40 / /mnt/dfs ro - nfs4 w1:/dfs ro\n';
const W2 = '31 22 0:41 / /mnt/dfs ro - nfs4 w2:/dfs ro\n';
const OTHER = '32 22 0:42 / /mnt/other ro - nfs4 nas:/ ro\n';

/** What was told at each of these tables. */
async function told(...tables: readonly string[]): Promise<string[][]> {
  const clock = new FakeClock();
  const all: string[][] = [];
  let at: string[] = [];
  let table = '';
  const remounts = new Remounts(
    clock,
    () => Promise.resolve(mountsIn(table)),
    (place) => at.push(place),
  );
  for (const [index, next] of tables.entries()) {
    table = next;
    if (index === 0) void remounts.watch();
    else clock.advance(1_000);
    await setImmediate();
    all.push(at);
    at = [];
  }
  remounts.stop();
  clock.advance(10_000);
  expect(clock.timers).toEqual([]);
  return all;
}

test('what was there from the beginning, and what is new, was mounted by nobody anew', async () => {
  expect(await told(ROOT, ROOT + W1, ROOT + W1 + OTHER, ROOT + W1)).toEqual([[], [], [], []]);
});

test('another mount at the same place is told, when it is there, and once', async () => {
  expect(await told(ROOT + W1, ROOT, ROOT, ROOT + W2, ROOT + W2)).toEqual([[], [], [], ['/mnt/dfs'], []]);
});

test('so is one that lies over the one before, and one with the same number that was gone meanwhile', async () => {
  expect(await told(W1, W1 + W2, W1)).toEqual([[], ['/mnt/dfs'], ['/mnt/dfs']]);
  expect(await told(W1 + OTHER, OTHER, W1 + OTHER)).toEqual([[], [], ['/mnt/dfs']]);
});
