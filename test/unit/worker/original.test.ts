import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { wrapperText } from '#shared/hookWrapper.ts';
import { originalOf } from '../../../worker/transcoder/original.ts';

const PROGRAM = '\x7fELF';
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clusterplex-it's-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function put(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function hook(original: string): string {
  return wrapperText({ node: '/opt/clusterplex/node', hook: '/hook.cjs', original });
}

test('the original stands behind the hook, whatever it is called', async () => {
  const transcoder = put('Plex Transcoder', hook(join(directory, 'another name')));
  const original = put('another name', PROGRAM);
  expect(await originalOf(transcoder)).toBe(original);
});

test.each([
  ['is not there', null],
  ['is the hook, too', hook('/another')],
])('the hook whose original %s is none', async (why, text) => {
  const transcoder = put('Plex Transcoder', hook(join(directory, 'originalTranscoder')));
  if (text !== null) put('originalTranscoder', text);
  await expect(originalOf(transcoder)).rejects.toThrow(`${why}; reinstall Plex Media Server, or name`);
});

test('the original stands behind a script of ClusterPlex', async () => {
  const transcoder = put('Plex Transcoder', '#!/bin/bash\nnode /app/transcoder.js "$@" &\nwait\n');
  const original = put('originalTranscoder', PROGRAM);
  expect(await originalOf(transcoder)).toBe(original);
});

test.each([
  ['a program', PROGRAM],
  ['a script with nothing behind it', '#!/bin/sh\nexec ffmpeg "$@"\n'],
])('%s is what runs', async (what, text) => {
  const transcoder = put('Plex Transcoder', text);
  if (what === 'a program') put('originalTranscoder', PROGRAM);
  expect(await originalOf(transcoder)).toBe(transcoder);
});

test('what is not there is for others to complain of', async () => {
  const transcoder = join(directory, 'Plex Transcoder');
  expect(await originalOf(transcoder)).toBe(transcoder);
});
