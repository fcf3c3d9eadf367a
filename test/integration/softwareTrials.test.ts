import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { systemClock } from '#shared/clock.ts';
import { checkTranscoder } from '../../worker/capabilities/capabilities.ts';
import { softwareProved } from '../../worker/capabilities/software.ts';
import { ffmpegTools } from '../support/ffmpeg.ts';

const directory = mkdtempSync(join(tmpdir(), 'trials-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Real ffmpeg, which fails at whatever the pattern of its command line says. */
function transcoder(name: string, failing: string): string {
  const file = join(directory, name);
  const script = [
    '#!/bin/sh',
    `case "$*" in *-i*) echo run >>${file}.runs;; esac`,
    `case "$*" in ${failing}) echo 'Error while opening encoder' >&2; exit 1;; esac`,
    `exec ${ffmpegTools().ffmpeg} "$@"`,
  ];
  writeFileSync(file, `${script.join('\n')}\n`);
  chmodSync(file, 0o755);
  return file;
}

const env = { PATH: '/usr/bin:/bin' };
const runsOf = (file: string): number => readFileSync(`${file}.runs`, 'utf8').trim().split('\n').length;

test('a healthy transcoder proves everything in one run', async () => {
  const file = transcoder('healthy', 'nothing');
  const { problem, capabilities, failures } = await checkTranscoder(file, env, systemClock);
  expect(problem).toBeNull();
  expect(failures).toEqual({});
  expect(capabilities.decoders).toEqual(expect.arrayContaining(['h264', 'hevc', 'vp9', 'mpeg2video']));
  expect(capabilities.encoders).toEqual(expect.arrayContaining(['libx264', 'aac', 'libopus']));
  expect(capabilities.filters).toEqual(expect.arrayContaining(['scale', 'overlay']));
  expect(runsOf(file)).toBe(1);
}, 30_000);

test('what it lists and fails at is not claimed, and what there is no trial for is', async () => {
  const file = transcoder('broken', '*libx264*|*/hevc.mkv*|*yadif*');
  const { problem, capabilities, failures } = await checkTranscoder(file, env, systemClock);
  expect(problem).toBeNull();
  const why = 'Error while opening encoder';
  expect(failures).toEqual({ 'encoders: libx264': why, 'decoders: hevc': why, 'filters: yadif': why });
  expect(capabilities.encoders).not.toContain('libx264');
  expect(capabilities.decoders).not.toContain('hevc');
  expect(capabilities.filters).not.toContain('yadif');
  expect(capabilities.decoders).toEqual(expect.arrayContaining(['h264', 'dts']));
  expect(capabilities.encoders).toContain('aac');
}, 30_000);

test('one that lists nothing is brought into memory all the same, at the start and later', async () => {
  const file = transcoder('silent', '-encoders');
  const { problem, capabilities } = await checkTranscoder(file, env, systemClock);
  expect(problem).toBeNull();
  expect(capabilities).toEqual(NO_CAPABILITIES);
  expect(runsOf(file)).toBe(1);
  await softwareProved(capabilities, { file, env, clock: systemClock });
  expect(runsOf(file)).toBe(2);
});
