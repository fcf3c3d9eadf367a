import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { standing } from '../../worker/transcoder/standing.ts';
import { traffic } from '../../worker/transcoder/traffic.ts';

let child: ChildProcess | null = null;

afterEach(() => {
  child?.stdin?.end();
  child?.kill('SIGKILL');
});

/** A shell that says that it is there, and then does this. */
async function shell(script: string): Promise<number> {
  child = spawn('/bin/sh', ['-c', `echo; ${script}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  if (child.stdout) await once(child.stdout, 'data');
  return child.pid ?? 0;
}

/** What it says at two looks, of which the second is a while after the first. */
function looks(pid: number): (string | null)[] {
  const first = standing(pid);
  const until = performance.now() + 300;
  while (performance.now() < until);
  return [first, standing(pid)];
}

test('a process that waits, and a shell that waits for it, stand still', async () => {
  const pid = await shell('sh -c "read line"; true');
  const stands = (): boolean => {
    const [first, second] = looks(pid);
    return first !== null && second === first;
  };
  // The shell inside has to get there first.
  await expect.poll(stands, { timeout: 10_000 }).toBe(true);
  child?.stdin?.write('\n');
});

test.each([
  ['runs', 'while :; do :; done'],
  ['sleeps for a moment, again and again', 'while :; do sleep 0.05; done'],
])('one that %s does not', async (_, script) => {
  const [first, second] = looks(await shell(script));
  expect(second === null || second !== first).toBe(true);
});

test('nor does one that was stopped, nor one that is gone', async () => {
  const pid = await shell('kill -STOP $$');
  expect(looks(pid)[1]).toBeNull();
  expect(standing(2 ** 22 + 1)).toBeNull();
});

test('what a process and its children read and write is counted, and what they compute is not', async () => {
  const pid = await shell('sh -c "while read line; do echo $line; done"; true');
  const before = traffic(pid);
  if (!child?.stdin || !child.stdout) throw new Error('no pipes');
  child.stdin.write('twelve bytes\n');
  await once(child.stdout, 'data');
  expect(traffic(pid)).toBeGreaterThanOrEqual((before ?? 0) + 14);
  expect(traffic(2 ** 22 + 1)).toBeNull();
});

test('one that only computes transfers nothing', async () => {
  const pid = await shell('while :; do :; done');
  const before = traffic(pid);
  looks(pid);
  expect(traffic(pid)).toBe(before);
  expect(before).not.toBeNull();
});
