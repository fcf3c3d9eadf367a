import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CODEC_NAMES } from '../../worker/codecs/names.ts';
import { serveCodecs } from '../support/codecServer.ts';
import { CodecVolume } from '../support/codecVolume.ts';

const PROGRAM = fileURLToPath(new URL('../../worker/codecs/fill.ts', import.meta.url));

function startFilling(volume: CodecVolume, source: string): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
  child.stdout?.resume();
  child.stdin?.end(JSON.stringify(volume.options(source)));
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

test('killed at 20 random moments, the filling never leaves a file that is taken for good', async () => {
  const volume = new CodecVolume();
  let waiting: (() => void) | null = null;
  const server = await serveCodecs({
    latencyMs: 15,
    fault(codec) {
      waiting?.();
      return CODEC_NAMES.indexOf(codec) % 5 === 0 ? 'slow' : null;
    },
  });
  let partial = 0;
  for (let time = 0; time < 20; time += 1) {
    const asked = new Promise<void>((resolve) => {
      waiting = resolve;
    });
    const child = startFilling(volume, server.url);
    const exited = ended(child);
    await Promise.race([asked, exited]);
    await sleep(Math.random() * 60);
    child.kill('SIGKILL');
    await exited;
    if (!existsSync(volume.set)) continue;
    if (volume.unfinished.length > 0) partial += 1;
    expect(volume.wrong).toEqual([]);
  }
  expect(partial).toBeGreaterThan(0);
  await ended(startFilling(volume, server.url));
  expect(volume.codecs.toSorted()).toEqual(CODEC_NAMES);
  expect(volume.wrong).toEqual([]);
  expect(volume.unfinished).toEqual([]);
  await server.close();
  volume.remove();
});
