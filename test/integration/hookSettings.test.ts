import { join } from 'node:path';
import { expect } from 'vitest';
import { KNOWN_SETTINGS } from '#shared/settings/names.ts';
import { readSettings } from '#shared/settings/read.ts';
import { hookSettings } from '../../pms/hookSettings.ts';
import { test } from '../support/pmsHost.ts';

const FLAGS = ['TRANSCODE_EAE_LOCALLY', 'TRANSCODE_PREVIEWS_LOCALLY', 'TRANSCODER_VERBOSE'] as const;
const FLAG_VALUES = ['', ' ', '1', 'true', 'YES', 'on', '"1"', ' 0 ', 'False', 'no', 'off', '2', 'ja', "'1"];
const WAITS = ['', '0', '1000', ' 5 ', '"7"', '-1', '1.5', '1e3', 'soon', '2147483648'];
const MODES = ['', 'local', 'Remote', 'BOTH', '"local"', 'either'];

const cases: readonly [string, string][] = [
  ...FLAGS.flatMap((name) => FLAG_VALUES.map((value): [string, string] => [name, value])),
  ...WAITS.map((value): [string, string] => ['RELAY_RECONNECT_MS', value]),
  ...MODES.map((value): [string, string] => ['TRANSCODE_OPERATING_MODE', value]),
];

test.for(cases)('the hook takes %s=%j for what the table takes it for', async ([name, value], { pms }) => {
  const read = tryReading({ [name]: value });
  const relay = await pms.relay();
  const recorder = await pms.recorder();
  // One command that every local rule could keep here.
  const argv = name === 'TRANSCODE_EAE_LOCALLY' ? ['-eae_prefix', 'a'] : ['-f', 'image2', 'a'];
  const hook = pms.hook('cjs', { argv, env: { [name]: value } });
  if (read === null) {
    expect(await hook.exited).toMatchObject({ code: 64 });
    return;
  }
  const staysHere =
    read.TRANSCODE_EAE_LOCALLY ||
    read.TRANSCODE_PREVIEWS_LOCALLY ||
    read.TRANSCODE_OPERATING_MODE === 'local';
  if (!staysHere) {
    const { job, connection } = await relay.job();
    expect(job.verbose).toBe(read.TRANSCODER_VERBOSE);
    expect(job.local).toBe(read.TRANSCODE_OPERATING_MODE === 'both');
    connection.send({ type: 'exit', code: 0 });
  }
  expect(await hook.exited).toMatchObject({ code: 0 });
  expect((await recorder.records()).length).toBe(staysHere ? 1 : 0);
});

test('the defaults are the table’s', async ({ pms }) => {
  const { TRANSCODER_PATH, TRANSCODER_LOCAL_NAME, RELAY_SOCKET } = hookSettings;
  const local = await pms.hook('cjs', {
    argv: ['a'],
    env: { TRANSCODER_PATH: '', TRANSCODE_OPERATING_MODE: 'local', TRANSCODER_VERBOSE: '1' },
  }).exited;
  expect(local.stderr.toString()).toContain(`'${TRANSCODER_PATH.absent}${TRANSCODER_LOCAL_NAME.absent}'`);
  const remote = await pms.hook('cjs', {
    argv: ['a'],
    env: { RELAY_SOCKET: '', TRANSCODE_OPERATING_MODE: 'remote', TRANSCODER_VERBOSE: '1' },
  }).exited;
  expect(remote.stderr.toString()).toContain(` ${RELAY_SOCKET.absent}\n`);
});

test('a name of the transcoder’s own, and a path without its slash', async ({ pms }) => {
  const env = { TRANSCODE_OPERATING_MODE: 'local', TRANSCODER_LOCAL_NAME: 'other', TRANSCODER_VERBOSE: '1' };
  const { stderr } = await pms.hook('cjs', { argv: ['a'], env }).exited;
  expect(stderr.toString()).toContain(`'${join(pms.plex, 'other')}'`);
});

test('every row is a known name', () => {
  for (const name of Object.keys(hookSettings)) expect(KNOWN_SETTINGS).toContain(name);
});

function tryReading(env: Record<string, string>) {
  try {
    return readSettings(hookSettings, env, () => '');
  } catch {
    return null;
  }
}
