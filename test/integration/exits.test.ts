import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OUTPUT_CHUNK_BYTES, OUTPUT_WINDOW_BYTES } from '#shared/protocol/messages.ts';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import { behaviour, expectedOutput, installRecordingTranscoder } from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'exits-'));
const queue = new PQueue({ concurrency: 4 });
let cluster: Cluster;

beforeAll(async () => {
  await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: ['w1'], slots: 8, transcoderDirectory: directory });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

test('the hook exits with the code of the transcoder, from 0 to 255', async () => {
  const all = Array.from({ length: 256 }, (_, code) => code);
  // Around our own codes, those of signals, and the ends of a byte; of the others every eighth.
  const telling = [0, 1, 2, 64, 70, 75, 126, 127, 128, 129, 137, 143, 254, 255];
  const codes = all.filter((code) => code % 8 === 0 || telling.includes(code));
  const exits = await queue.addAll(codes.map((code) => () => cluster.runHook(behaviour({ exit: code }))));
  expect(exits.map(({ code }) => code)).toEqual(codes);
});

/** Those that a shell script can die of, and that end a process rather than stop it. */
const DEADLY =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM XCPU XFSZ VTALRM PROF IO PWR SYS'.split(
    ' ',
  );

test('a transcoder that dies of signal n makes the hook exit with 128 + n', async () => {
  const exits = await queue.addAll(DEADLY.map((signal) => () => cluster.runHook(behaviour({ signal }))));
  const numbers = Object.entries(constants.signals);
  const expected = DEADLY.map(
    (signal) => 128 + (numbers.find(([name]) => name === `SIG${signal}`)?.[1] ?? 0),
  );
  expect(exits.map(({ code }) => code)).toEqual(expected);
});

test.each(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)(
  '%s to the hook reaches the transcoder',
  async (signal) => {
    const hook = cluster.startHook(behaviour({ output: 1 }, { block: true }));
    await hook.spoke;
    process.kill(hook.pid, signal);
    expect((await hook.exited).code).toBe(128 + constants.signals[signal]);
  },
);

test('a transcoder that exits with a code of its own on SIGTERM is seen to', async () => {
  const hook = cluster.startHook(behaviour({ onTerm: 33 }, { output: 1 }, { block: true }));
  await hook.spoke;
  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(33);
});

test('10 MB of stdout and stderr come back complete and in order', async () => {
  const bytes = 10 * 1024 * 1024;
  const { code, stdout, stderr } = await cluster.runHook(behaviour({ output: bytes }, { exit: 3 }));
  const expected = expectedOutput(bytes);
  expect(code).toBe(3);
  expect(stdout.toString() === expected.stdout).toBe(true);
  expect(stderr.toString() === expected.stderr).toBe(true);
});

test('a hook that does not read stops the transcoder instead of filling memory, and gets the rest later', async () => {
  const bytes = 8 * 1024 * 1024;
  const client = new HookClient(cluster.socket, {
    argv: behaviour({ output: bytes }, { exit: 5 }),
    cwd: cluster.cwd,
  });
  await client.outputReaches(OUTPUT_WINDOW_BYTES);
  // Another job goes the whole way meanwhile: whatever was still coming has come.
  expect((await cluster.runHook(behaviour({ exit: 6 }))).code).toBe(6);
  expect(client.output).toBeLessThan(OUTPUT_WINDOW_BYTES + 2 * OUTPUT_CHUNK_BYTES);
  client.acknowledgeAll();
  expect(await client.verdict).toBe('exit 5');
  expect(client.output).toBe(bytes);
});
