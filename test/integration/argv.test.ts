import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import PQueue from 'p-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ByteString, bytesOf } from '#shared/bytes.ts';
import { Cluster } from '../support/cluster.ts';
import { corpus } from '../support/corpus.ts';
import {
  installRecordingTranscoder,
  type RecordingTranscoder,
  type RunRecord,
} from '../support/recordingTranscoder.ts';

const PMS = 'http://127.0.0.1:32400';
const CALLBACKS = ['-progressurl', '-manifest_name', '-segment_list', '-i'];

const directory = mkdtempSync(join(tmpdir(), 'argv-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;
let relayOrigin: string;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({
    workers: ['w1'],
    slots: 16,
    mounts: '/:rw',
    transcoderDirectory: directory,
  });
  relayOrigin = (await cluster.relay.listening()).replace(/ socket .*/, '');
});

afterAll(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

/** Runs each command through the whole system, and returns what the transcoder got: in order, by a mark in the env. */
async function received(commands: readonly (readonly ByteString[])[]): Promise<RunRecord[]> {
  const run = String(Math.random());
  const queue = new PQueue({ concurrency: 4 });
  const exits = await queue.addAll(
    commands.map((argv, index) => () => cluster.runHook(argv, { env: { X_PLEX_TOKEN: `${run}/${index}` } })),
  );
  expect(exits.filter(({ code }) => code !== 0)).toEqual([]);
  const marked = new Map<string, RunRecord>();
  for (const record of await recorder.records()) {
    const mark = record.env.map(String).find((line) => line.startsWith(`X_PLEX_TOKEN=${run}/`));
    if (mark) marked.set(mark, record);
  }
  return commands.map((_, index) => {
    const record = marked.get(`X_PLEX_TOKEN=${run}/${index}`);
    if (!record) throw new Error(`command ${index} never arrived`);
    return record;
  });
}

/** The documented rewrites, told independently of the code that makes them. */
function rewritten(argv: readonly string[]): string[] {
  return argv.map((element, index) => {
    const option = argv[index - 1] ?? '';
    if (CALLBACKS.includes(option) && element.startsWith(PMS)) return relayOrigin + element.slice(PMS.length);
    if (option === '-loglevel' && element === 'quiet') return 'error';
    return option.startsWith('-codec') && element === 'aac_lc' ? 'aac' : element;
  });
}

test('every command of the corpus arrives as PMS wrote it, but for the documented rewrites', async () => {
  const commands = corpus().filter(({ server }) => server === 'plex');
  expect(commands.length).toBeGreaterThan(100);
  const records = await received(commands.map(({ argv }) => argv));
  for (const [index, { id, argv }] of commands.entries()) {
    expect({ id, argv: records[index]?.argv.map(String) }).toEqual({ id, argv: rewritten(argv) });
  }
});

test('the rewrites are seen in the corpus, so the test above can fail', () => {
  const commands = corpus().filter(({ server }) => server === 'plex');
  const changed = commands.filter(({ argv }) =>
    rewritten(argv).some((element, index) => element !== argv[index]),
  );
  expect(changed.length).toBeGreaterThan(100);
});

const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n',
    'a\n\nb\n',
    `"'\`$(touch x)\\`,
    '%s%n',
    '*',
    '🎬📼',
    'שלום עולם',
    '\u202e',
    '-',
    '--',
    '-y',
  ),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
  fc
    .constantFrom('ä', '"', "'", ' ')
    .map((character) => character.repeat(100_000 / Buffer.byteLength(character))),
);
const hostileBytes = fc.uint8Array({ minLength: 1, max: 255, min: 1 }).map((bytes): ByteString => {
  return { base64: Buffer.from([0xff, ...bytes]).toString('base64') };
});
const longBytes = fc.constant({ base64: Buffer.alloc(100_000, 0xfe).toString('base64') });
const hostileArgv = fc.array(
  fc.oneof(
    { arbitrary: hostileText, weight: 6 },
    { arbitrary: hostileBytes, weight: 3 },
    { arbitrary: longBytes, weight: 1 },
  ),
  { minLength: 1, maxLength: 8 },
);

test('200 hostile commands arrive byte for byte', async () => {
  const commands = fc.sample(hostileArgv, { numRuns: 200, seed: 20_261_121 });
  const records = await received(commands);
  for (const [index, argv] of commands.entries()) {
    expect(records[index]?.argv.map(hex)).toEqual(argv.map((element) => hex(bytesOf(element))));
  }
}, 90_000);

test('a cwd and a variable that are not UTF-8 arrive, too, and other variables of PMS do not', async () => {
  const name = Buffer.from([0x66, 0xe9, 0x65]);
  mkdirSync(Buffer.concat([Buffer.from(`${cluster.cwd}/`), name]));
  const cwd = { base64: Buffer.concat([Buffer.from(`${cluster.cwd}/`), name]).toString('base64') };
  const home = { base64: Buffer.from([0xfe, 0x0a]).toString('base64') };
  const before = await recorder.records();
  const exit = await cluster.runHook(['-y'], {
    cwd,
    env: { XDG_DATA_HOME: home, SECRET_OF_PMS: 'x', LD_LIBRARY_PATH: '/usr/lib/plexmediaserver' },
  });
  expect(exit.code).toBe(0);
  const known = new Set(before.map(({ pid }) => pid));
  const record = (await recorder.records()).find(({ pid }) => !known.has(pid));
  expect(record?.cwd).toEqual(Buffer.concat([Buffer.from(`${cluster.cwd}/`), name]));
  expect(record?.env.map(hex)).toContain(
    hex(Buffer.concat([Buffer.from('XDG_DATA_HOME='), Buffer.from([0xfe, 0x0a])])),
  );
  const names = record?.env.map((line) => String(line).replace(/=.*/s, '')) ?? [];
  expect(names).not.toContain('SECRET_OF_PMS');
  expect(names).not.toContain('LD_LIBRARY_PATH');
});

function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}
