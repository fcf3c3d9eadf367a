import { describe, expect, test } from 'vitest';
import { CodedError } from '#shared/errors.ts';
import { isLoopback, listeningHost } from '#shared/settings/common.ts';
import { helpText } from '#shared/settings/help.ts';
import { lookalikes, readSettings } from '#shared/settings/read.ts';
import {
  choice,
  flag,
  httpUrl,
  integer,
  milliseconds,
  optionalText,
  port,
  secret,
  text,
} from '#shared/settings/table.ts';

const table = {
  LISTENING_PORT: port(3500, 'The port.'),
  QUEUE_TIMEOUT_MS: milliseconds(5_000, 'How long a job waits.'),
  WORKER_SLOTS: integer(0, -5, 50, 'Slots.'),
  FORCE_HTTPS: flag(false, 'Whether to.'),
  TRANSCODE_OPERATING_MODE: choice(['local', 'remote', 'both'], 'both', 'Where.'),
  ORCHESTRATOR_URL: httpUrl('http://127.0.0.1:3500', 'Whom to call.'),
  WORKER_NAME: optionalText('Its name.'),
  FFMPEG_HWACCEL: text('', 'Hardware.'),
  CLUSTERPLEX_TOKEN: secret('Shared secret.'),
};

const files: Record<string, string> = { '/run/secrets/token': 'from-file\n', '/empty': ' \n' };

function read(env: Record<string, string | undefined>) {
  return readSettings(table, env, (path) => {
    const content = files[path];
    if (content === undefined) {
      const code = path.startsWith('/nowhere') ? 'ENOENT' : 'EACCES';
      throw Object.assign(new Error(`${code}: open '${path}'`), { code });
    }
    return content;
  });
}

function problems(env: Record<string, string | undefined>): string[] {
  try {
    read(env);
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    if (error instanceof CodedError) {
      expect(error.code).toBe('bad-settings');
      expect(error.hint).toContain('--help');
      return error.message.split('\n');
    }
  }
  return [];
}

const DEFAULTS = {
  LISTENING_PORT: 3500,
  QUEUE_TIMEOUT_MS: 5_000,
  WORKER_SLOTS: 0,
  FORCE_HTTPS: false,
  TRANSCODE_OPERATING_MODE: 'both',
  ORCHESTRATOR_URL: 'http://127.0.0.1:3500',
  WORKER_NAME: null,
  FFMPEG_HWACCEL: '',
  CLUSTERPLEX_TOKEN: null,
};

describe('a setting that is unset, empty or blank', () => {
  test('has its default', () => {
    expect(read({})).toEqual(DEFAULTS);
    const blank = Object.fromEntries(Object.keys(table).map((name, index) => [name, index % 2 ? '' : '  ']));
    expect(read(blank)).toEqual(DEFAULTS);
    expect(read({ CLUSTERPLEX_TOKEN_FILE: '/empty' })).toEqual(DEFAULTS);
  });

  test('has its default also when only quotes were written', () => {
    expect(read({ LISTENING_PORT: '""', WORKER_NAME: "''" })).toEqual(DEFAULTS);
  });
});

test('every value is read in its form', () => {
  expect(
    read({
      LISTENING_PORT: '0',
      QUEUE_TIMEOUT_MS: '2147483647',
      WORKER_SLOTS: '-5',
      FORCE_HTTPS: '1',
      TRANSCODE_OPERATING_MODE: 'REMOTE',
      ORCHESTRATOR_URL: 'https://orchestrator:3500/base',
      WORKER_NAME: ' gpu-1 ',
      FFMPEG_HWACCEL: 'vaapi',
      CLUSTERPLEX_TOKEN_FILE: '/run/secrets/token',
    }),
  ).toEqual({
    LISTENING_PORT: 0,
    QUEUE_TIMEOUT_MS: 2_147_483_647,
    WORKER_SLOTS: -5,
    FORCE_HTTPS: true,
    TRANSCODE_OPERATING_MODE: 'remote',
    ORCHESTRATOR_URL: 'https://orchestrator:3500/base',
    WORKER_NAME: 'gpu-1',
    FFMPEG_HWACCEL: 'vaapi',
    CLUSTERPLEX_TOKEN: 'from-file',
  });
});

test.each([
  ['1', true],
  ['true', true],
  ['YES', true],
  ['on', true],
  ['0', false],
  ['False', false],
  ['no', false],
  ['OFF', false],
])('the flag %s is read as %s', (given, expected) => {
  expect(read({ FORCE_HTTPS: given }).FORCE_HTTPS).toBe(expected);
});

test.each([
  ['LISTENING_PORT', '65536'],
  ['LISTENING_PORT', '-1'],
  ['LISTENING_PORT', '3500.5'],
  ['LISTENING_PORT', '3.5e3'],
  ['LISTENING_PORT', '0x10'],
  ['QUEUE_TIMEOUT_MS', '5s'],
  ['QUEUE_TIMEOUT_MS', '2147483648'],
  ['WORKER_SLOTS', '51'],
  ['WORKER_SLOTS', '-6'],
  ['FORCE_HTTPS', '2'],
  ['TRANSCODE_OPERATING_MODE', 'bothh'],
  ['ORCHESTRATOR_URL', 'orchestrator:3500'],
  ['ORCHESTRATOR_URL', 'ws://orchestrator:3500'],
  ['ORCHESTRATOR_URL', 'http://orchestrator:3500/#x'],
  ['ORCHESTRATOR_URL', 'http://orchestrator:3500?x=1'],
])('%s=%s is refused with the name and the value', (name, value) => {
  expect(problems({ [name]: value })).toEqual([expect.stringContaining(`${name} is wrong: "${value}" is `)]);
});

test('all problems are listed at once', () => {
  const found = problems({
    LISTENING_PORT: 'http',
    FORCE_HTTPS: 'maybe',
    TRANSCODE_OPERATING_MODE: 'none',
    CLUSTERPLEX_TOKEN: 'x',
    CLUSTERPLEX_TOKEN_FILE: '/run/secrets/token',
    WORKER_NAME_FILE: '/nowhere',
    CLUSTERPLEX_TOKN: 'slip',
  });
  expect(found).toEqual([
    expect.stringMatching(/^LISTENING_PORT is wrong: "http" is not a whole number from 0 to 65535$/),
    expect.stringMatching(/^FORCE_HTTPS is wrong: "maybe" is neither 1 .* nor 0/),
    expect.stringMatching(/^TRANSCODE_OPERATING_MODE is wrong: "none" is none of local, remote, both$/),
    'WORKER_NAME_FILE: there is no /nowhere',
    'CLUSTERPLEX_TOKEN is set twice: as itself and through CLUSTERPLEX_TOKEN_FILE',
    'CLUSTERPLEX_TOKN is unknown; did you mean CLUSTERPLEX_TOKEN?',
  ]);
});

test('quotes that a Compose list keeps are taken off, in pairs only', () => {
  expect(read({ WORKER_NAME: '"gpu"' }).WORKER_NAME).toBe('gpu');
  expect(read({ WORKER_NAME: "'gpu'" }).WORKER_NAME).toBe('gpu');
  expect(read({ LISTENING_PORT: '"80"' }).LISTENING_PORT).toBe(80);
  expect(read({ WORKER_NAME: '"gpu\'' }).WORKER_NAME).toBe('"gpu\'');
  expect(read({ WORKER_NAME: '"' }).WORKER_NAME).toBe('"');
});

test('the content of a file is taken as it stands, without the line end', () => {
  files['/quoted'] = '"q"\n';
  expect(read({ CLUSTERPLEX_TOKEN_FILE: '/quoted' }).CLUSTERPLEX_TOKEN).toBe('"q"');
});

test('a value that Kubernetes injected for a Service is explained', () => {
  for (const name of ['LISTENING_PORT', 'ORCHESTRATOR_URL']) {
    const [problem] = problems({ [name]: 'tcp://10.0.0.1:3500' });
    expect(problem).toContain('enableServiceLinks: false');
    expect(problems({ [name]: 'nonsense' })[0]).not.toContain('enableServiceLinks');
  }
});

test('variables that Kubernetes and Docker make for Services of our names are nobody’s slip', () => {
  const links = [
    'PORT',
    'SERVICE_HOST',
    'SERVICE_PORT',
    'SERVICE_PORT_HTTP',
    'PORT_3500_TCP_ADDR',
    'PORT_3500_UDP',
  ];
  for (const link of links) {
    expect(problems({ [`CLUSTERPLEX_ORCHESTRATOR_${link}`]: 'tcp://10.0.0.1:3500' })).toEqual([]);
  }
});

describe('a variable that nobody reads', () => {
  test.each([
    ['LISTENING_PRT', 'LISTENING_PORT'],
    ['LISTENING_PORTS', 'LISTENING_PORT'],
    ['LISTENING_POPT', 'LISTENING_PORT'],
    ['LISTENING_PORTT', 'LISTENING_PORT'],
    ['LSTENING_PORT', 'LISTENING_PORT'],
    ['PMS_PORTS', 'PMS_PORT'],
    ['ISTENING_PORT_FILE', 'LISTENING_PORT'],
  ])('is a slip when it is one letter away: %s', (slip, meant) => {
    expect(problems({ [slip]: 'x' })).toEqual([`${slip} is unknown; did you mean ${meant}?`]);
  });

  test('is somebody else’s when other software is known to have it, but is told', () => {
    const env = { LOGLEVEL: 'debug', GLOG_LEVEL: '1', FORCE_HTTP: '1' };
    expect(problems(env)).toEqual([]);
    expect(lookalikes({ ...env, LOG_LEVEL: 'info' })).toEqual([
      'LOGLEVEL is not read here; did you mean LOG_LEVEL?',
      'GLOG_LEVEL is not read here; did you mean LOG_LEVEL?',
      'FORCE_HTTP is not read here; did you mean FORCE_HTTPS?',
    ]);
    expect(problems({ LOG_LEVL: 'debug' })).toEqual(['LOG_LEVL is unknown; did you mean LOG_LEVEL?']);
    expect(lookalikes({ LOG_LEVEL: 'info' })).toEqual([]);
  });

  test('is a mistake when it has our prefix', () => {
    expect(problems({ CLUSTERPLEX_COLOUR: 'red' })).toEqual(['CLUSTERPLEX_COLOUR is unknown']);
  });

  test('is somebody else’s otherwise', () => {
    expect(problems({ PATH: '/bin', HOME: '/', MOUNT: 'x', LISTNING_PRT: '1', PORT: '80' })).toEqual([]);
  });

  test('is not one of another part, although this part does not read it', () => {
    expect(problems({ RELAY_SOCKET: '/run/x', CLUSTERPLEX_ADMIN_TOKEN_FILE: '/run/x' })).toEqual([]);
  });
});

test.each(['gehe\u0000im', 'geh\teim', 'two\nlines', 'schl\u00fcssel', '\u79d8\u5bc6'])(
  'a secret that no header can carry is refused, and not shown: %j',
  (value) => {
    expect(problems({ CLUSTERPLEX_TOKEN: value })).toEqual([
      'CLUSTERPLEX_TOKEN is wrong: its value is not one line of ASCII characters',
    ]);
  },
);

test("a secret's value stands in no problem", () => {
  const row = { ...integer(1, 1, 9, 'A secret number.'), secret: true };
  const attempt = () => readSettings({ PIN: row }, { PIN: 'hunter2' }, () => '');
  expect(attempt).toThrow('PIN is wrong: its value is not a whole number from 1 to 9');
  expect(attempt).not.toThrow('hunter2');
});

test('--help lists every setting with its form, default and meaning', () => {
  const help = helpText('What it is for.', table);
  expect(help.split('\n')[0]).toBe('What it is for.');
  expect(help).toContain('NAME_FILE');
  for (const [name, row] of Object.entries(table)) {
    expect(help).toContain(
      `  ${name}  (${row.form}; ${row.default === null ? 'no default' : `default ${row.default}`})\n      ${row.doc}`,
    );
  }
});

test('the default of every form, written into the environment, reads as the default', () => {
  for (const [name, row] of Object.entries(table)) {
    if (row.default === null) continue;
    expect(read({ [name]: row.default })).toEqual(DEFAULTS);
  }
});

test('a part listens openly only when a token protects it, and where it was told to', () => {
  expect(listeningHost(null, false)).toBe('127.0.0.1');
  expect(listeningHost(null, true)).toBe('::');
  expect(listeningHost('10.0.0.1', false)).toBe('10.0.0.1');
});

test('a name is not loopback because it begins like an address', () => {
  expect(['localhost', '::1', '127.0.0.1', '127.8.9.1'].map(isLoopback)).toEqual([true, true, true, true]);
  expect(['127.0.0.1.evil.example', '127.example', '::2', ''].map(isLoopback)).toEqual(Array(4).fill(false));
});

test('a file that can’t be read is told apart from one that is not there', () => {
  expect(problems({ CLUSTERPLEX_TOKEN_FILE: '/secret' })).toEqual([
    "CLUSTERPLEX_TOKEN_FILE: /secret can't be read (EACCES)",
  ]);
});
