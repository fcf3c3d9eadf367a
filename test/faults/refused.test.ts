import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { HookClient } from '../support/hookClient.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'refused-'));
const local = { TRANSCODER_PATH: `${directory}/`, TRANSCODER_LOCAL_NAME: 'original' };
let remote: RecordingTranscoder;
let original: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  remote = await installRecordingTranscoder(bin);
  original = await installRecordingTranscoder(directory, 'original');
  await original.behave([{ exit: 50 }]);
  cluster = await Cluster.start({
    workers: ['w1', 'w2'],
    transcoderDirectory: bin,
    env: { QUEUE_TIMEOUT_BACKGROUND_MS: '1000', RECOVERY_WINDOW_MS: '0' },
  });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

/** The relay's reason for running the last job locally. */
async function whyLocal(matching: RegExp): Promise<string> {
  const lines = (): string[] =>
    cluster.relay.log
      .filter(({ msg }) => /no worker|runs it locally/.test(String(msg)))
      .map(({ reason }) => String(reason));
  await cluster.relay.until(() => lines().some((reason) => matching.test(reason)));
  return lines().find((reason) => matching.test(reason)) ?? '';
}

test('a path outside the mounts: refused with the path and the setting, and run locally', async () => {
  const { code } = await cluster.runHook(['-i', '/etc/shadow', 'out.mkv'], { env: local });
  expect(code).toBe(50);
  expect(await whyLocal(/shadow/)).toMatch(
    /\/etc\/shadow lies outside the mounts of this worker \(setting MOUNTS\)/,
  );
});

test.each([
  ['a relative path that climbs out', ['-i', '../../../../etc/group', 'x.mkv'], /\/etc\/group.*MOUNTS/],
  ['an output outside', ['-i', 'a.mkv', '/root/evil'], /\/root\/evil.*MOUNTS/],
  ['a protocol around a file', ['-i', 'concat:/etc/hostname|/etc/issue', 'x'], /\/etc\/hostname.*MOUNTS/],
])('%s is refused, too', async (_what, argv, reason) => {
  expect((await cluster.runHook(argv, { env: local })).code).toBe(50);
  expect(await whyLocal(reason)).toMatch(reason);
});

test('a link that leads out of the mounts is refused, as what it leads to would be', async () => {
  symlinkSync('/etc', join(cluster.cwd, 'film'));
  const argv = ['-i', join(cluster.cwd, 'film/hostname'), 'x.mkv'];
  expect((await cluster.runHook(argv, { env: local })).code).toBe(50);
  expect(await whyLocal(/film/)).toMatch(/film\/hostname leads out of the mounts .* by a link/);
});

test('a cwd that is missing on the worker: refused with the setting', async () => {
  const cwd = join(cluster.directory, 'not-on-workers');
  const client = new HookClient(cluster.socket, { argv: ['-y'], cwd, local: true });
  expect(await client.verdict).toBe('local');
  expect(await whyLocal(/not-on-workers/)).toMatch(/not-on-workers does not exist here.*MOUNTS/);
});

test('a cwd outside the mounts is refused', async () => {
  expect((await cluster.runHook(['-y'], { cwd: '/var', env: local })).code).toBe(50);
  expect(await whyLocal(/\/var/)).toMatch(/cwd \/var lies outside the mounts/);
});

test('a command without arguments is refused', async () => {
  const client = new HookClient(cluster.socket, { argv: [], cwd: cluster.cwd, local: true });
  expect(await client.verdict).toBe('local');
  expect(await whyLocal(/no arguments/)).toBe('the command has no arguments');
});

test('in mode remote a refused job ends with 75', async () => {
  const { code } = await cluster.runHook(['-i', '/etc/shadow', 'x'], {
    env: { ...local, TRANSCODE_OPERATING_MODE: 'remote' },
  });
  expect(code).toBe(75);
});

test('none of these ever started a transcoder on a worker, and good jobs still do', async () => {
  const started = (await remote.records()).filter(
    ({ argv }) => !/^-(encoders|codecs|filters|hide_banner)$/.test(String(argv[0])),
  );
  expect(started).toEqual([]);
  expect((await cluster.runHook(behaviour({ exit: 9 }), { env: local })).code).toBe(9);
});
