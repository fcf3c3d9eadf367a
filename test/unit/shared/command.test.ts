import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { path as ffmpeg } from '@ffmpeg-installer/ffmpeg';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allOptions, readCommand, valuesOf } from '#shared/argv/command.ts';
import { applyEdits } from '#shared/argv/edit.ts';
import type { ByteString } from '#shared/bytes.ts';
import { plexCommands } from '../pms/corpus.ts';

/** The structure with the names in place of their positions. */
function shape(argv: ByteString[]) {
  const { inputs, outputs, trailing } = readCommand(argv);
  const files = (list: typeof inputs) => {
    return list.map(({ index, options }) => [argv[index], options.map(({ name }) => name).join(' ')]);
  };
  return { inputs: files(inputs), outputs: files(outputs), trailing: trailing.map(({ name }) => name) };
}

test('options belong to the next input or output', () => {
  const argv = '-codec:0 h264 -i a.mkv -ss 3 -i b.srt -y -map 0:0 -f dash out -f null null'.split(' ');
  expect(shape(argv)).toEqual({
    inputs: [
      ['a.mkv', 'codec'],
      ['b.srt', 'ss'],
    ],
    outputs: [
      ['out', 'y map f'],
      ['null', 'f'],
    ],
    trailing: [],
  });
});

test('a value may begin with a dash', () => {
  const argv = [
    '-i',
    '-odd-name.mkv',
    '-sei:0',
    '-a53_cc',
    '-map_metadata',
    '-1',
    '-progressurl',
    'u',
    'dash',
  ];
  expect(shape(argv)).toEqual({
    inputs: [['-odd-name.mkv', '']],
    outputs: [['dash', 'sei map_metadata progressurl']],
    trailing: [],
  });
  expect(valuesOf(argv, readCommand(argv), 'sei')).toEqual(['-a53_cc']);
});

test('an option keeps its specifier, also one with colons or by stream id', () => {
  const argv = ['-codec:#0x01', 'aac', '-metadata:s:0', 'language=eng', '-y', '-i', 'x'];
  const [codec, metadata, y] = readCommand(argv).inputs[0]?.options ?? [];
  expect(codec).toEqual({ name: 'codec', specifier: '#0x01', index: 0, valueIndex: 1 });
  expect(metadata).toEqual({ name: 'metadata', specifier: 's:0', index: 2, valueIndex: 3 });
  expect(y).toEqual({ name: 'y', specifier: null, index: 4, valueIndex: null });
});

test('global options may stand after the last output, as PMS up to 1.40 wrote them', () => {
  const argv = '-i a -f dash dash -start_at_zero -copyts -y -nostats -loglevel quiet -progressurl u'.split(
    ' ',
  );
  const command = readCommand(argv);
  expect(shape(argv)).toMatchObject({
    outputs: [['dash', 'f']],
    trailing: ['start_at_zero', 'copyts', 'y', 'nostats', 'loglevel', 'progressurl'],
  });
  expect(valuesOf(argv, command, 'progressurl')).toEqual(['u']);
});

test('a lone dash is stdin or stdout', () => {
  expect(shape(['-i', '-', '-f', 'matroska', '-'])).toEqual({
    inputs: [['-', '']],
    outputs: [['-', 'f']],
    trailing: [],
  });
});

test('what follows two dashes is an output, whatever it begins with', () => {
  expect(shape(['-i', 'a', '-y', '--', '-i', 'b'])).toEqual({
    inputs: [['a', '']],
    outputs: [
      ['-i', 'y -'],
      ['b', ''],
    ],
    trailing: [],
  });
});

test('a command that was cut off after an option is read without its value', () => {
  const argv = ['-codec:0', 'mpeg4', '-ss', '376', '-i'];
  expect(readCommand(argv)).toMatchObject({
    inputs: [],
    outputs: [],
    trailing: [{ name: 'codec' }, { name: 'ss' }, { name: 'i', valueIndex: null }],
  });
  expect(valuesOf(argv, readCommand(argv), 'i')).toEqual([]);
});

test('a path that is not text is a file or a value, and never an option', () => {
  const odd = { base64: Buffer.from('-y\xff', 'latin1').toString('base64') };
  expect(shape(['-i', odd, odd])).toEqual({ inputs: [[odd, '']], outputs: [[odd, '']], trailing: [] });
  const argv = ['-title', odd, '-title', 'text', 'out'];
  expect(valuesOf(argv, readCommand(argv), 'title')).toEqual(['text']);
});

test('every element of any command is an option, a value or a file, exactly once', () => {
  const element = fc.oneof(
    fc.constantFrom('-i', '-y', '-codec:0', '-', '--', '', 'dash', '-sn', '-map', '0:0', '-f'),
    fc.string(),
    fc.base64String().map((base64) => ({ base64 })),
  );
  fc.assert(
    fc.property(fc.array(element), (argv) => {
      const command = readCommand(argv);
      const files = [...command.inputs, ...command.outputs];
      const options = allOptions(command);
      const places = [
        ...files.map(({ index }) => index),
        // The `-i` itself stands before each input.
        ...command.inputs.map(({ index }) => index - 1),
        ...options.flatMap(({ index, valueIndex }) => (valueIndex === null ? [index] : [index, valueIndex])),
      ];
      expect(places.toSorted((a, b) => a - b)).toEqual(argv.map((_, index) => index));
      expect(options.map(({ index }) => index)).toEqual(
        options.map(({ index }) => index).toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 1_000 },
  );
});

test('the options that take no value are those of which ffmpeg says so', async () => {
  const inCorpus = plexCommands().flatMap(({ argv }) =>
    allOptions(readCommand(argv)).map(({ name }) => name),
  );
  const others =
    'n stats accurate_seek hide_banner nostdin stdin re dn shortest xerror benchmark benchmark_all dump hex ' +
    'ignore_unknown copy_unknown seek_timestamp autorotate noautorotate bitexact debug_ts copyinkf ' +
    'fix_sub_duration report psnr vstats qphist novstats noreport vstats_file progress force_fps find_stream_info nofind_stream_info itsoffset stream_loop disposition apad';
  const names = [...new Set([...inCorpus, ...others.split(' ')])].filter(
    (name) => name !== '' && name !== 'i',
  );
  const run = promisify(execFile);
  // One of them writes a log where it is started.
  const cwd = mkdtempSync(join(tmpdir(), 'options-'));
  let compared = 0;
  await Promise.all(
    names.map(async (name) => {
      const said: string = await run(ffmpeg, ['-hide_banner', `-${name}`], { timeout: 20_000, cwd }).then(
        ({ stderr }) => stderr,
        (error: unknown) => String(error),
      );
      if (said.includes('Unrecognized option')) return;
      compared += 1;
      const takesValue = /Missing argument|requires an argument|Error splitting/.test(said);
      const read = readCommand([`-${name}`, '-i', 'film']);
      expect({ name, takesValue: read.inputs.length === 0 }).toEqual({ name, takesValue });
    }),
  );
  rmSync(cwd, { recursive: true });
  expect(compared).toBeGreaterThan(50);
});

test('an edit replaces one element and names each kind of change once', () => {
  const argv = ['a', 'b', { base64: '/w==' }];
  const edits = [
    { index: 0, value: 'x', change: 'one' },
    { index: 1, value: 'y', change: 'one' },
  ];
  expect(applyEdits(argv, edits)).toEqual({ argv: ['x', 'y', { base64: '/w==' }], changes: ['one'] });
  expect(argv[0]).toBe('a');
});
