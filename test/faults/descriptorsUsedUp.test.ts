import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a worker that can open no more files says so, lives, and has its helpers again later', async () => {
  const script = fileURLToPath(new URL('../support/outOfDescriptors.ts', import.meta.url));
  const shell = ['-c', 'ulimit -n 100; exec "$0" "$1"', process.execPath, script];
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', shell);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    launched: 'too many files are open, by this worker or on this machine',
    startedAtOnce: false,
    transcoder: expect.stringMatching(/^\/bin\/true could not be tried: .*EMFILE/),
    storage: [expect.stringMatching(/^\/tmp could not be tried: .*EMFILE/)],
  });
});
