import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { Cluster } from '../support/cluster.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
} from '../support/recordingTranscoder.ts';

const directory = mkdtempSync(join(tmpdir(), 'bad-message-'));
let recorder: RecordingTranscoder;
let cluster: Cluster;

beforeAll(async () => {
  recorder = await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: ['w1'], transcoderDirectory: directory });
});

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

const HELLO = { type: 'hello', version: '0', name: 'bad', instance: 'b', serial: 0, jobs: [] };

test.each([
  ['no JSON', ['{'], /^4400 /],
  ['a field of another type', [{ ...HELLO, jobs: 'none' }], /^4400 .*jobs/],
  ['an unknown field', [{ ...HELLO, more: 1 }], /^4400 .*more/],
  ['more than a message may have', ['x'.repeat(MAX_MESSAGE_BYTES + 1)], /^1009/],
  ['a message before hello', [{ type: 'release', jobId: 'j' }], /^4403 /],
  ['a second hello', [HELLO, HELLO], /^4403 /],
])('%s closes that connection with a code, and nobody else notices', async (_what, messages, closed) => {
  const hook = cluster.startHook(behaviour({ onTerm: 21 }, { log: 'here' }, { block: true }));
  await hook.spoke;
  const runs = (await recorder.records()).length;

  const url = new URL('/ws/relay', cluster.address.replace('http', 'ws'));
  const peer = new WebSocket(url, SUBPROTOCOL);
  await once(peer, 'open');
  for (const message of messages) peer.send(typeof message === 'string' ? message : JSON.stringify(message));
  const [code, reason] = await once(peer, 'close');
  expect(`${code} ${reason}`).toMatch(closed);

  process.kill(hook.pid, 'SIGTERM');
  expect((await hook.exited).code).toBe(21);
  expect(await recorder.records()).toHaveLength(runs);
  for (const role of ['worker', 'relay']) {
    const others = cluster.orchestrator.lines(`${role} disconnected`).filter(({ relay }) => relay !== 'bad');
    expect(others).toEqual([]);
  }
});
