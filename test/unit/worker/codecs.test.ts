import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { externalLibs } from '../../../worker/codecs/codecs.ts';
import { whyNotLibrary } from '../../../worker/codecs/library.ts';
import { CODEC_NAMES, PLAYBACK_CODECS } from '../../../worker/codecs/names.ts';
import { codecSettings } from '../../../worker/codecs/settings.ts';
import { codecVersionOf, pmsVersionIn } from '../../../worker/codecs/versions.ts';
import { fakeLibrary, X86_64 } from '../../support/fakeLibrary.ts';

const directory = mkdtempSync(join(tmpdir(), 'clusterplex-codecs-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, ...parts: readonly (string | Buffer)[]): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
  return path;
}

const ELF = '\x7fELF\x02\x01\x01\0';
/** As long as what is read at once, so that what follows is cut in two. */
const PADDING = Buffer.alloc((1 << 20) - 20, 'x');

describe('the version of the codecs', () => {
  test.each([
    ['as ffmpeg says it', `\0%s version 8217c1c-4578\0`, '8217c1c-4578'],
    [
      'of 1.40.3 and later',
      '\0%s version 46f74ab-560174306fe167a5978a79dd\0',
      '46f74ab-560174306fe167a5978a79dd',
    ],
    [
      'on its own',
      '\0loglevel_plex\x0046f74ab-560174306fe167a5978a79dd\0',
      '46f74ab-560174306fe167a5978a79dd',
    ],
    ['of a kind not seen before', '\0loglevel_plex\0%s version 2.0.1+plex.77\0', '2.0.1+plex.77'],
  ])('%s', async (_name, text, version) => {
    expect(await codecVersionOf(file('a', ELF, text))).toEqual({ version, isPlex: true });
    expect(await codecVersionOf(file('a', ELF, PADDING, text, PADDING))).toEqual({ version, isPlex: true });
  });

  test('of an ffmpeg that is not Plex’s is none that codecs are fetched for', async () => {
    const text = '\0%s version 7.1.1-static https://example.org\0abcdef1-4578\0%s version 7.1.1\0';
    expect(await codecVersionOf(file('b', ELF, text))).toEqual({ version: '7.1.1', isPlex: false });
  });

  test('of a script is none, even where it speaks of Plex’s options', async () => {
    expect((await codecVersionOf(file('c', '#!/bin/sh\n# loglevel_plex\n'))).isPlex).toBe(false);
  });
});

test('the version of PMS', async () => {
  expect(await pmsVersionIn(directory)).toBeNull();
  file('Plex Media Server', ELF, '\x001.41.3.9314-a0bfb8370\0');
  expect(await pmsVersionIn(directory)).toBe('1.41.3.9314-a0bfb8370');
});

describe('a library', () => {
  const whole = fakeLibrary('libh264_decoder');

  test('that is whole and for this machine is taken', async () => {
    expect(await whyNotLibrary(file('l', whole), X86_64)).toBeNull();
  });

  test.each<[string, Buffer, string]>([
    ['one byte short', whole.subarray(0, -1), 'it is cut short, at 2999 bytes'],
    ['with nothing but a header', whole.subarray(0, 64), 'it is cut short, at 64 bytes'],
    ['empty', Buffer.alloc(0), 'it is no ELF file'],
    ['a web page', Buffer.from('<html>'.repeat(20)), 'it is no ELF file'],
    ['for another machine', fakeLibrary('x', 3_000, 183), 'it is for another machine (183)'],
  ])('that is %s is not', async (_name, bytes, problem) => {
    expect(await whyNotLibrary(file('l', bytes), X86_64)).toBe(problem);
  });

  test('that Node itself was linked with is one', async () => {
    const own = process.report.getReport();
    const { sharedObjects } = JSON.parse(JSON.stringify(own));
    const libc = sharedObjects.find((path: string) => path.includes('libc.so'));
    if (process.arch === 'x64') expect(await whyNotLibrary(libc, X86_64)).toBeNull();
  });
});

test('the directory is told to the transcoder as a list of one entry', () => {
  expect(externalLibs("/codecs/a b:c'd\\e")).toBe("/codecs/a\\ b\\:c\\'d\\\\e/");
});

test('309 codecs are known, and those of playback are among them', () => {
  expect(CODEC_NAMES).toHaveLength(309);
  expect([...PLAYBACK_CODECS].filter((codec) => !CODEC_NAMES.includes(codec))).toEqual([]);
});

test('sources are addresses or paths', () => {
  const { parse } = codecSettings.CODECS_URL;
  expect(parse('file:///pms/My%20Codecs, /pms/Codecs,https://mirror.example/codecs')).toEqual([
    '/pms/My Codecs',
    '/pms/Codecs',
    'https://mirror.example/codecs',
  ]);
  expect(() => parse('mirror.example')).toThrow('"mirror.example" is neither');
  expect(() => parse('htps://me:pass@word@mirror.example')).toThrow('"htps://…@mirror.example" is neither');
});
