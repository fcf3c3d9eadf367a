import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { readSettings } from '#shared/settings/read.ts';
import { relaySettings } from '../../../pms/config.ts';
import { callbackAddress, localAddress } from '../../../pms/relay/callbackAddress.ts';

const EXTERNAL = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

function addressOf(env: Record<string, string>, relay: string | null): string {
  const settings = readSettings(relaySettings, env, () => '');
  return callbackAddress(settings, relay === null ? null : new URL(relay));
}

test.each(['http://10.9.9.9:32499', 'http://[::1]:32499', 'http://[fd00::9]:4', 'http://127.0.0.1:32499'])(
  'a relay that listens on one address is called there: %s',
  (listening) => {
    expect(addressOf({}, listening)).toBe(listening);
  },
);

test.each(['http://[::]:32499', 'http://0.0.0.0:32499'])(
  'a relay that listens on all addresses is called on one that others reach: %s',
  (listening) => {
    expect(addressOf({}, listening)).toBe(`http://${EXTERNAL ?? '127.0.0.1'}:32499`);
  },
);

test('what the settings say goes first, wherever it listens', () => {
  expect(addressOf({ PMS_IP: '10.1.1.1' }, 'http://10.9.9.9:32499')).toBe('http://10.1.1.1:32499');
  expect(addressOf({ PMS_IP: '10.1.1.1', PMS_SERVICE: 'pms' }, 'http://[::]:1')).toBe('http://pms:1');
  expect(addressOf({ PMS_IP: 'fd00::9' }, 'http://[::]:1')).toBe('http://[fd00::9]:1');
});

test('without the Local Relay it is PMS’s own', () => {
  const env = { PMS_IP: '10.1.1.1', PMS_PORT: '32401' };
  expect(addressOf(env, null)).toBe('http://10.1.1.1:32401');
  expect(addressOf({ ...env, FORCE_HTTPS: '1' }, null)).toBe('https://10.1.1.1:32401');
});

test.each([
  ['http://[::]:32499', 'http://127.0.0.1:32499'],
  ['http://0.0.0.0:32499', 'http://127.0.0.1:32499'],
  ['http://10.9.9.9:4', 'http://10.9.9.9:4'],
])('a transcoder on this host calls a relay that listens on %s at %s', (listening, expected) => {
  expect(localAddress(new URL(listening))).toBe(expected);
});
