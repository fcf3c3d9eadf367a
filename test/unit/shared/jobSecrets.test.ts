import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobSecrets } from '#shared/jobSecrets.ts';
import { corpus } from '../../support/corpus.ts';

const SECRET = 'qx7-Secret_Val9';
const OURS = 'our-own-token';
const none = new JobSecrets({ argv: [], env: {} }, [OURS]);

describe('of a command nobody sees', () => {
  test.each<[string, string[], string[]]>([
    [
      "Plex's token in a query",
      [`http://p/x?a=1&X-Plex-Token=${SECRET}&b=2`],
      ['http://p/x?a=1&X-Plex-Token=[redacted]&b=2'],
    ],
    [
      'one in an encoded query',
      [`u=http%3A%2F%2Fp%3FX-Plex-Token%3D${SECRET}`],
      ['u=http%3A%2F%2Fp%3FX-Plex-Token%3D[redacted]'],
    ],
    [
      'a header',
      ['-headers', `X-Plex-Token: ${SECRET}\r\nAccept: */*\r\n`],
      ['-headers', 'X-Plex-Token: [redacted]\r\nAccept: */*\r\n'],
    ],
    [
      'whatever a header authorises with',
      ['-headers', `Authorization: Digest a="b", response="${SECRET}"`],
      ['-headers', 'Authorization: [redacted]'],
    ],
    [
      'the value of an option',
      ['-decryption_key', SECRET, '-i', 'x'],
      ['-decryption_key', '[redacted]', '-i', 'x'],
    ],
    [
      'that of one with a specifier',
      ['-encryption_key:v:0', `-${SECRET}`],
      ['-encryption_key:v:0', '[redacted]'],
    ],
    [
      'a parameter',
      [`srt://h:1?passphrase=${SECRET}&mode=caller`],
      ['srt://h:1?passphrase=[redacted]&mode=caller'],
    ],
    ['a key in lists', [`tee:[decryption_key=${SECRET}|x]`], ['tee:[decryption_key=[redacted]|x]']],
    ['name and password of an address', [`http://me:${SECRET}@h/x`], ['http://[redacted]@h/x']],
    [
      'a password with the sign that ends it',
      ['http://me:p@ssw0rdLong@h/x', '//a@h?b=c'],
      ['http://[redacted]@h/x', '//[redacted]@h?b=c'],
    ],
    [
      'a header amid other words',
      ['[http @ 0x1] Authorization: Basic eDp5', `headers=Cookie: ${SECRET}`, `x\r\n  Api-Key: ${SECRET}`],
      ['[http @ 0x1] Authorization: [redacted]', `headers=Cookie: [redacted]`, `x\r\n  Api-Key: [redacted]`],
    ],
    ['cookies', ['-cookies', `s=${SECRET}; path=/`], ['-cookies', '[redacted]']],
    [
      'a credential of callbacks',
      [`http://h/job/${'0af1'.repeat(8)}/video/`],
      ['http://h/job/[redacted]/video/'],
    ],
    ['our own token', ['-i', `/x/${OURS}.mkv`], ['-i', '/x/[redacted].mkv']],
    ['JSON', [JSON.stringify({ api_key: SECRET, a: 1 })], ['{"api_key":"[redacted]","a":1}']],
  ])('%s', (_, argv, shown) => {
    expect(new JobSecrets({ argv, env: {} }, [OURS]).argv(argv)).toEqual(shown);
  });
});

test.each([
  [
    [
      '-force_key_frames:0',
      'expr:gte(t,n_forced*1)',
      '-keyint_min',
      '48',
      '-x264opts',
      'keyint=48:min-keyint=48',
    ],
  ],
  [['-metadata', 'author=Somebody', '-skip_frame', 'nokey', '-hls_key_info_file', '/x/y']],
  [
    [
      '-i',
      '/m/The Monkeys: Kingdom/Keys: Token: Cookie.mkv',
      '-metadata',
      'title=A Secret: Kingdom of Monkeys',
    ],
  ],
  [['-i', '/media/Key, Tokens of Secrets (2003).mkv', '-map', '0:a', '-f', 'mpegts', '-']],
])('all else stands as it is: %j', (argv) => {
  expect(new JobSecrets({ argv, env: {} }, []).argv(argv)).toEqual(argv);
});

test('bytes that are no text show as such', () => {
  expect(none.argv([{ base64: Buffer.from([0x61, 0xff]).toString('base64') }])).toEqual(['a\u{FFFD}']);
});

test('what a command or its environment keeps secret is hidden in what its transcoder says, whatever it calls that', () => {
  const secrets = new JobSecrets(
    {
      argv: ['-decryption_key', SECRET, `http://h/job/${'0af1'.repeat(8)}/x`, '-t', 'x?auth=a%2Bbcdefgh'],
      env: { X_PLEX_TOKEN: 'bare-plex-token' },
    },
    [OURS],
  );
  const said = `with argument '${SECRET}' of bare-plex-token, ${'0af1'.repeat(8)}, a+bcdefgh or ${OURS}\nAuthorization: Basic eDp5\nnext`;
  expect(secrets.text(said)).toBe(
    "with argument '[redacted]' of [redacted], [redacted], [redacted] or [redacted]\nAuthorization: [redacted]\nnext",
  );
});

test('a secret in any place of any real command is in none that is shown, nor in words about it', () => {
  const commands = corpus();
  const secret = fc.stringMatching(/^[A-Za-z0-9_-]{8,24}$/).filter((text) => !/redacted/.test(text));
  const ways = fc.constantFrom<(text: string) => string[]>(
    (text) => [`http://127.0.0.1:32400/livetv/x?a=b&X-Plex-Token=${text}&c=d`],
    (text) => ['-headers', `X-Plex-Token: ${text}\r\nX: y`],
    (text) => ['-hls_token', text],
    (text) => [`concat:http://x/?api_key=${text}|y`],
    (text) => [`-i`, `http://u:${text}@host/z`],
    (text) => [`password=${text}`],
  );
  fc.assert(
    fc.property(fc.nat(commands.length - 1), fc.nat(), ways, secret, (index, place, write, text) => {
      const { argv, env } = commands[index] ?? { argv: [], env: {} };
      fc.pre(!argv.join('\n').includes(text) && !Object.values(env).join('\n').includes(text));
      const planted = argv.toSpliced(place % (argv.length + 1), 0, ...write(text));
      const secrets = new JobSecrets({ argv: planted, env }, []);
      expect(secrets.argv(planted).join('\n')).not.toContain(text);
      expect(secrets.text(`Opening ${planted.join(' ')} of ${write(text).join(' ')} failed`)).not.toContain(
        text,
      );
    }),
    { numRuns: 300 },
  );
});

test('of real commands nothing else is hidden', () => {
  for (const { argv, env } of corpus()) {
    const shown = new JobSecrets({ argv, env }, []).argv(argv);
    for (const [index, element] of argv.entries()) {
      if (shown[index] === element) continue;
      expect(element, shown[index]).toMatch(/token|auth|\/job\/|api_?key/i);
    }
  }
});

test('of a command with more secrets than can be looked for all is hidden', () => {
  const pairs = (count: number) =>
    Array.from({ length: count }, (_, index) => ['-token', `secret-value-${index}`]);
  const few = new JobSecrets({ argv: pairs(100).flat(), env: {} }, []);
  expect(few.text('a secret-value-99')).toBe('a [redacted]');
  const many = new JobSecrets({ argv: pairs(101).flat(), env: {} }, [OURS]);
  expect(many.argv(['-y', 'secret-value-100'])).toEqual(['[redacted]', '[redacted]']);
  expect(many.text('a secret-value-100')).toBe('[redacted]');
  expect(many.text('')).toBe('');
});

test('a command of many elements with many secrets is read in no time', () => {
  for (const count of [100, 4_000]) {
    const argv = Array.from({ length: 4_000 }, (_, index) =>
      index % 2 ? `secret-value-${index % (2 * count)}` : '-token',
    );
    const start = performance.now();
    new JobSecrets({ argv, env: {} }, []).argv(argv);
    expect(performance.now() - start, `${count}`).toBeLessThan(500);
  }
});

test('long output is read in no time', () => {
  for (const part of [
    'a',
    'token',
    'a=',
    '//',
    'key:"',
    '%25',
    '\\',
    'x-y.z ',
    "'",
    '//a@',
    'a@',
    'token: ',
  ]) {
    const text = part.repeat(65_536 / part.length);
    const start = performance.now();
    none.text(text);
    expect(performance.now() - start, part).toBeLessThan(250);
  }
});
