import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { Part } from '../support/part.ts';

const directory = mkdtempSync(join(tmpdir(), 'no-transcoder-'));
const TOKEN = '0123456789abcdef0123456789abcdef';
const started: Part[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((part) => part.stop()));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What /ready says once the worker has tried its transcoder. */
async function readiness(transcoder: string): Promise<{ status: number; failed: string[]; text: string }> {
  const worker = new Part('worker/main.ts', {
    LISTENING_PORT: '0',
    WORKER_NAME: 'w1',
    TRANSCODER_PATH: directory,
    TRANSCODER_NAME: transcoder,
    MOUNTS: `${directory}:rw`,
    STAT_CPU_OPS_DURATION: '0',
    ORCHESTRATOR_URL: 'http://127.0.0.1:1',
    CLUSTERPLEX_TOKEN: TOKEN,
    LIBVA_DRIVER_NAME: 'iHD',
  });
  started.push(worker);
  const address = await worker.listening();
  await worker.logged('transcoder tried');
  const response = await fetch(`${address}/ready`);
  const text = await response.text();
  const { checks } = JSON.parse(text);
  const failed = checks.filter(({ ok }: { ok: boolean }) => !ok).map(({ name }: { name: string }) => name);
  return { status: response.status, failed, text };
}

test('a transcoder that does not exist', async () => {
  const { status, failed, text } = await readiness('Nothing Here');
  expect(status).toBe(503);
  expect(failed).toContain('transcoder');
  expect(text).toMatch(/Nothing Here does not exist; correct TRANSCODER_PATH and TRANSCODER_NAME/);
});

test('a file that is not executable', async () => {
  writeFileSync(join(directory, 'text'), 'text');
  const { status, failed } = await readiness('text');
  expect([status, failed.includes('transcoder')]).toEqual([503, true]);
});

test('a directory', async () => {
  mkdirSync(join(directory, 'folder'));
  expect((await readiness('folder')).text).toMatch(/is not a file/);
});

test('an executable of another machine', async () => {
  writeFileSync(
    join(directory, 'foreign'),
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  );
  chmodSync(join(directory, 'foreign'), 0o755);
  expect((await readiness('foreign')).text).toMatch(/can't be started/);
});

test('a program whose libraries are missing', async () => {
  writeFileSync(join(directory, 'broken'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
  expect((await readiness('broken')).text).toMatch(/can't be started/);
});

test('a program that knows none of our questions is usable', async () => {
  writeFileSync(join(directory, 'taciturn'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  expect((await readiness('taciturn')).failed).toEqual(['orchestrator']);
});

test('a transcoder that is tried gets what describes the machine, and no secret', async () => {
  const script = `#!/bin/sh\nenv >> '${directory}/env'\nexit 1\n`;
  writeFileSync(join(directory, 'curious'), script, { mode: 0o755 });
  await readiness('curious');
  const env = readFileSync(join(directory, 'env'), 'utf8');
  expect(env).toContain('LIBVA_DRIVER_NAME=iHD');
  expect(env).not.toContain(TOKEN);
});
