import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteString } from '#shared/bytes.ts';
import { Cluster } from '../support/cluster.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from '../support/recordingTranscoder.ts';
import {
  ATTACKED,
  expectCleanLogs,
  expectNoSecrets,
  PMS_TOKEN,
  TOKENS,
  VARIABLES,
  WAYS_OUT,
} from '../support/redTeam.ts';
import { type CraftedJob, RogueRelay } from '../support/rogueRelay.ts';

const directory = mkdtempSync(join(tmpdir(), 'red-team-'));
let transcoder: RecordingTranscoder;
let cluster: Cluster;
let links = 0;

beforeAll(async () => {
  transcoder = await installRecordingTranscoder(directory);
  await transcoder.behave([{ exit: 0 }]);
  cluster = await Cluster.start({
    workers: ['w1'],
    transcoderDirectory: directory,
    env: ATTACKED,
  });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

afterAll(() => expectCleanLogs(cluster.logs()));

/** With the genuine token; it writes the job itself, past all that our relay checks. */
async function rogueRelay(): Promise<RogueRelay> {
  const relay = await RogueRelay.connect(`${cluster.address}/ws/relay`, TOKENS.relay);
  relay.hello();
  return relay;
}

type Attack = Partial<CraftedJob> & Pick<CraftedJob, 'argv'>;

const bytes = (...values: number[]): ByteString => ({ base64: Buffer.from(values).toString('base64') });

describe('whoever has the relay’s token can’t leave the mounts', () => {
  test.each<[string, () => Attack, RegExp]>([
    ['a file outside', () => ({ argv: ['-i', '/etc/shadow', 'x'] }), /\/etc\/shadow lies outside/],
    ['an output outside', () => ({ argv: ['-i', 'a', '/root/.ssh/authorized_keys'] }), /lies outside/],
    ['a climb', () => ({ argv: ['-i', '../../../../etc/shadow', 'x'] }), /lies outside/],
    [
      'a climb behind a mount',
      () => ({ argv: ['-i', `${cluster.cwd}/../../../etc/a`, 'x'] }),
      /lies outside/,
    ],
    ['a name like a mount’s', () => ({ argv: ['-i', `${cluster.directory}x/a`, 'x'] }), /lies outside/],
    ['file:', () => ({ argv: ['-i', 'file:/etc/shadow', 'x'] }), /lies outside/],
    ['file:///', () => ({ argv: ['-i', 'file:///etc/shadow', 'x'] }), /lies outside/],
    ['FILE:', () => ({ argv: ['-i', 'FILE:/etc/shadow', 'x'] }), /lies outside/],
    ['concat:', () => ({ argv: ['-i', 'concat:/etc/hosts|/etc/shadow', 'x'] }), /lies outside/],
    ['subfile:', () => ({ argv: ['-i', 'subfile,,start,0,end,9,,:/etc/shadow', 'x'] }), /lies outside/],
    ['crypto+file:', () => ({ argv: ['-i', 'crypto+file:/etc/shadow', 'x'] }), /lies outside/],
    ['cache:async:', () => ({ argv: ['-i', 'cache:async:/etc/shadow', 'x'] }), /lies outside/],
    ['unix:', () => ({ argv: ['-i', 'unix:/run/docker.sock', 'x'] }), /the protocol unix/],
    ['tcp:', () => ({ argv: ['-i', 'tcp://10.0.0.1:22', 'x'] }), /the protocol tcp/],
    ['udp:, as output', () => ({ argv: ['-i', 'a', 'udp://10.0.0.1:1'] }), /the protocol udp/],
    ['ftp:', () => ({ argv: ['-i', 'ftp://10.0.0.1/x', 'x'] }), /the protocol ftp/],
    ['gopher:', () => ({ argv: ['-i', 'gopher://10.0.0.1/x', 'x'] }), /the protocol gopher/],
    ['smb:', () => ({ argv: ['-i', 'smb://10.0.0.1/x', 'x'] }), /the protocol smb/],
    ['data:', () => ({ argv: ['-i', 'data:text/plain,#EXTM3U', 'x'] }), /the protocol data/],
    ['fd:', () => ({ argv: ['-i', 'fd:', '-fd', '3', 'x'] }), /the protocol fd/],
    ['concatf:', () => ({ argv: ['-i', 'concatf:list', 'x'] }), /the protocol concatf/],
    ['tee:', () => ({ argv: ['-i', 'a', 'tee:/etc/a|/etc/b'] }), /the protocol tee/],
    ['a concat list', () => ({ argv: ['-f', 'concat', '-i', 'list', 'x'] }), /the format concat/],
    [
      'an unsafe concat list',
      () => ({ argv: ['-safe', '0', '-i', 'list', 'x'] }),
      /name files of its own choice/,
    ],
    [
      'a wider list of protocols',
      () => ({ argv: ['-protocol_whitelist', 'file', '-i', 'a', 'x'] }),
      /its own choice/,
    ],
    [
      'any extension in playlists',
      () => ({ argv: ['-allowed_extensions', 'ALL', '-i', 'a', 'x'] }),
      /its own choice/,
    ],
    ['references inside mov', () => ({ argv: ['-enable_drefs', '1', '-i', 'a', 'x'] }), /its own choice/],
    ['a camera', () => ({ argv: ['-f', 'v4l2', '-i', 'x', 'x'] }), /the format v4l2/],
    ['a screen', () => ({ argv: ['-f', 'x11grab', '-i', ':0', 'x'] }), /the format x11grab/],
    ['the tee muxer', () => ({ argv: ['-i', 'a', '-f', 'tee', '[f=mp4]/etc/x'] }), /lies outside/],
    ['movie=', () => ({ argv: ['-f', 'lavfi', '-i', 'movie=/etc/shadow', 'x'] }), /lies outside/],
    [
      'amovie= in a graph',
      () => ({ argv: ['-i', 'a', '-filter_complex', 'amovie=/etc/shadow[1]', 'x'] }),
      /lies outside/,
    ],
    ['subtitles=', () => ({ argv: ['-i', 'a', '-vf', 'subtitles=/etc/shadow', 'x'] }), /lies outside/],
    [
      'subtitles=, quoted',
      () => ({ argv: ['-i', 'a', '-vf', "subtitles='/et'c\\/shadow", 'x'] }),
      /lies outside/,
    ],
    [
      'a filter’s file that climbs',
      () => ({ argv: ['-i', 'a', '-vf', 'lut3d=../../../../etc/shadow', 'x'] }),
      /steps up/,
    ],
    [
      'drawtext=textfile=',
      () => ({ argv: ['-i', 'a', '-vf', 'drawtext=textfile=/etc/shadow', 'x'] }),
      /lies outside/,
    ],
    [
      'a filter that writes',
      () => ({ argv: ['-i', 'a', '-vf', 'metadata=print:file=/etc/x', 'x'] }),
      /lies outside/,
    ],
    [
      'a filter script',
      () => ({ argv: ['-filter_complex_script', 's', '-i', 'a', 'x'] }),
      /takes options from a file/,
    ],
    [
      'an option from a file',
      () => ({ argv: ['-i', 'a', '-/filter:v', 's', 'x'] }),
      /takes options from a file/,
    ],
    ['a preset file', () => ({ argv: ['-i', 'a', '-vpre', 's', 'x'] }), /takes options from a file/],
    ['-passlogfile', () => ({ argv: ['-i', 'a', '-passlogfile', '/etc/x', 'x'] }), /lies outside/],
    ['-x264opts with a log', () => ({ argv: ['-i', 'a', '-x264opts', 'stats=/etc/x', 'x'] }), /lies outside/],
    ['-vstats_file', () => ({ argv: ['-i', 'a', '-vstats_file', '/etc/x', 'x'] }), /lies outside/],
    ['-progress', () => ({ argv: ['-i', 'a', '-progress', 'unix:/run/x', 'x'] }), /the protocol unix/],
    ['-manifest_name', () => ({ argv: ['-i', 'a', '-manifest_name', '/etc/x', 'dash'] }), /lies outside/],
    ['-segment_list', () => ({ argv: ['-i', 'a', '-segment_list', 'file:/etc/x', 'x'] }), /lies outside/],
    ['-dump_attachment', () => ({ argv: ['-dump_attachment:t', '/etc/x', '-i', 'a', 'x'] }), /lies outside/],
    ...WAYS_OUT.map(([what, argv, reason]): [string, () => Attack, RegExp] => [
      what,
      () => ({ argv }),
      reason,
    ]),
    ['a file pattern', () => ({ argv: ['-pattern_type', 'glob', '-i', '*/shadow', 'x'] }), /a file pattern/],
    ['bytes that are no text', () => ({ argv: ['-i', bytes(0x2f, 0x65, 0xff), 'x'] }), /lies outside/],
    ['an option written as bytes', () => ({ argv: [bytes(0x2d, 0x69), '/etc/shadow', 'x'] }), /lies outside/],
    ['a cwd outside', () => ({ argv: ['-y'], cwd: '/etc' }), /cwd \/etc lies outside/],
    [
      'a cwd that climbs',
      () => ({ argv: ['-y'], cwd: `${cluster.cwd}/../../../etc` }),
      /cwd \/etc lies outside/,
    ],
    ['a cwd that is none', () => ({ argv: ['-y'], cwd: '' }), /not an absolute path/],
    [
      'a link to a file outside',
      () => ({ argv: ['-i', link('/etc/hostname'), 'x'] }),
      /out of the mounts .* by a link/,
    ],
    ['below a link outside', () => ({ argv: ['-i', `${link('/etc')}/hostname`, 'x'] }), /by a link/],
    ['a link, to write behind it', () => ({ argv: ['-i', 'a', link('/etc/new')] }), /by a link/],
    ['a cwd that is a link', () => ({ argv: ['-y'], cwd: link('/etc') }), /by a link/],
    [
      'up from behind a link',
      () => ({ argv: ['-i', `${link('/usr/lib')}/../../etc/hostname`, 'x'] }),
      /by a link/,
    ],
  ])('%s', async (_what, craft, reason) => {
    const before = (await transcoder.records()).length;
    const relay = await rogueRelay();
    const jobId = relay.submit({ cwd: cluster.cwd, ...craft() });
    const outcome = await relay.outcome(jobId);
    relay.close();
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/^(refused|no-worker)$/), exitCode: null });
    expect(await story(jobId)).toMatch(reason);
    expect((await transcoder.records()).length).toBe(before);
  });

  function link(target: string): string {
    const path = join(cluster.cwd, `link-${links++}`);
    symlinkSync(target, path);
    return path;
  }
});

/** What the job's record says of it, which holds no secret either. */
async function story(jobId: string): Promise<string> {
  const response = await fetch(`${cluster.address}/api/v1/jobs/${jobId}`, {
    headers: { authorization: `Bearer ${TOKENS.admin}` },
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  expectNoSecrets(text);
  return text;
}

describe('whoever has the relay’s token can’t change what runs', () => {
  test.each(VARIABLES)('the variable %s', async (name, value) => {
    const relay = await rogueRelay();
    const marker = `-metadata:${links++}`;
    const jobId = relay.submit({
      cwd: cluster.cwd,
      argv: [marker, 'x', 'out'],
      env: { [name]: value, LANG: 'C', X_PLEX_TOKEN: PMS_TOKEN },
    });
    expect((await relay.outcome(jobId)).exitCode).toBe(0);
    relay.close();
    const run = (await transcoder.records()).find(({ argv }) => argv[0]?.toString() === marker);
    const env = run?.env.map(String) ?? [];
    expect(env).toContain('LANG=C');
    expect(env).not.toContain(`${name}=${value}`);
    expectNoSecrets(env.filter((entry) => !entry.startsWith('X_PLEX_TOKEN=')).join('\n'));
    await story(jobId);
  });

  test.each<[string, object]>([
    ['another executable', { file: '/bin/sh' }],
    ['an executable in the job', { transcoder: '/bin/sh' }],
    ['an owner of its own', { ownership: { file: '../x', number: 9 } }],
    ['a worker of its choice', { worker: 'w1' }],
    ['a name that is no text', { jobId: { $ne: 1 } }],
    ['a name without end', { jobId: 'j'.repeat(300) }],
    ['arguments that are no texts', { argv: [1] }],
    ['no arguments', { argv: [] }],
    ['a class of its own', { jobClass: 'root' }],
  ])('%s closes the connection', async (_what, extra) => {
    const relay = await rogueRelay();
    relay.submit({ cwd: cluster.cwd, argv: ['-y'], extra });
    const { code, reason } = await relay.end();
    expect(code).toBe(4400);
    expectNoSecrets(reason);
  });

  test.each([
    [
      'an argument that no program takes',
      () => ['-i', 'x'.repeat(200_000)],
      /can't be started: spawn E2BIG$/,
    ],
    ['more than any program takes', () => Array.from({ length: 60 }, () => 'x'.repeat(100_000)), /E2BIG$/],
    ['a NUL byte', () => ['-i', 'a\0b'], /can't be started: .* without null bytes/],
  ])('%s', async (_what, argv, reason) => {
    const before = (await transcoder.records()).length;
    const relay = await rogueRelay();
    const jobId = relay.submit({ cwd: cluster.cwd, argv: argv() });
    expect(await relay.outcome(jobId)).toMatchObject({
      ...{ reason: 'refused', exitCode: null, message: expect.stringMatching(reason) },
    });
    relay.close();
    expect((await transcoder.records()).length).toBe(before);
  });

  test('a jobId that is a path names no file', async () => {
    const relay = await rogueRelay();
    relay.submit({ cwd: cluster.cwd, argv: ['out'], extra: { jobId: '../../escaped' } });
    expect((await relay.outcome('../../escaped')).exitCode).toBe(0);
    relay.close();
    expect(readdirSync(cluster.cwd)).toContain('.clusterplex-..%2F..%2Fescaped');
    for (const place of [cluster.cwd, cluster.directory]) expect(readdirSync(place)).not.toContain('escaped');
  });
});

test('a file that stands where the owner file should be is no way out either', async () => {
  const relay = await rogueRelay();
  const cwd = join(cluster.cwd, 'planted');
  mkdirSync(cwd);
  const target = join(directory, 'not to be written');
  writeFileSync(target, 'as before');
  const link = join(cwd, '.clusterplex-planted');
  symlinkSync(target, link);
  relay.submit({ argv: ['x'], cwd, extra: { jobId: 'planted' } });
  // The owner file has replaced it.
  expect(await relay.outcome('planted')).toMatchObject({ reason: 'exited', exitCode: 0 });
  relay.close();
  expect(readFileSync(target, 'utf8')).toBe('as before');
  expect(lstatSync(link).isFile()).toBe(true);
});
