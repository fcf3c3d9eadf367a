import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redactor } from '#shared/redact.ts';

const TOKEN = 'qx7-Secret_Val';
const redactor = new Redactor([]);

describe("Plex's token is hidden", () => {
  test.each([
    ['in a query', `http://pms/livetv/x?offset=1&X-Plex-Token=${TOKEN}&session=9`],
    ['in an escaped query', `url=http%3A%2F%2Fpms%3FX-Plex-Token%3D${TOKEN}`],
    ['in a header', `X-Plex-Token: ${TOKEN}\r\nAccept: */*`],
    ['in a variable', `X_PLEX_TOKEN=${TOKEN} FFMPEG_EXTERNAL_LIBS=/x`],
    ['in JSON', JSON.stringify({ env: { X_PLEX_TOKEN: TOKEN, TZ: 'UTC' } })],
    ['in JSON within JSON', JSON.stringify({ msg: JSON.stringify({ X_PLEX_TOKEN: TOKEN }) })],
    ['in JSON twice within JSON', JSON.stringify(JSON.stringify(JSON.stringify({ X_PLEX_TOKEN: TOKEN })))],
    ['in an inspected object', `{ 'X-Plex-Token': '${TOKEN}', accept: '*/*' }`],
    ['in a list of raw headers', JSON.stringify(['X-Plex-Token', TOKEN, 'Accept', '*/*'])],
    ['in lower case', `x-plex-token=${TOKEN}`],
  ])('%s', (_, line) => {
    const clean = redactor.redact(line);
    expect(clean).not.toContain(TOKEN);
    expect(clean).toContain('[redacted]');
    expect(clean.replace('[redacted]', TOKEN)).toBe(line);
  });
});

test('a bearer token is hidden, whoever sent it', () => {
  expect(redactor.redact(`{"authorization":"Bearer ${TOKEN}","a":1}`)).toBe(
    '{"authorization":"Bearer [redacted]","a":1}',
  );
  expect(redactor.redact(`authorization: bearer ${TOKEN}`)).toBe('authorization: bearer [redacted]');
});

test('the credential in a callback path is hidden, and only that', () => {
  const credential = '0123456789abcdef0123456789abcdef';
  expect(redactor.redact(`PUT /job/${credential}/video/:/transcode/session/1`)).toBe(
    'PUT /job/[redacted]/video/:/transcode/session/1',
  );
  const path = '/job/0123456789abcdef/video/';
  expect(redactor.redact(path)).toBe(path);
});

test('configured secrets are hidden wherever they stand, as text and as JSON writes them', () => {
  const secret = 'pa"ss\\word\n';
  const clean = new Redactor([secret, null, '']).redact(`a ${secret} b ${JSON.stringify({ secret })}`);
  expect(clean).toBe('a [redacted] b {"secret":"[redacted]"}');
});

test('of a secret that begins with another nothing is left over', () => {
  expect(new Redactor(['abc', 'abc-def']).redact('x abc-def y abc z')).toBe('x [redacted] y [redacted] z');
});

test('any configured secret is gone from any line', () => {
  const secrets = fc
    .string({ minLength: 6, unit: 'binary' })
    .filter((secret) => !'[redacted]'.includes(secret));
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!`${before}${after}`.includes(secret));
      const line = JSON.stringify({ msg: `${before} ${secret} ${after}` });
      expect(new Redactor([secret]).redact(line)).not.toContain(JSON.stringify(secret).slice(1, -1));
    }),
  );
});

test('text without secrets stays as it is', () => {
  const line = '{"msg":"X-Plex-Token is missing, Bearer","path":"/job/x/","token":null}';
  expect(new Redactor(['hidden']).redact(line)).toBe(line);
});
