import { appendFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { architectureOf } from '../../worker/codecs/architecture.ts';
import { Codecs } from '../../worker/codecs/codecs.ts';
import { Cluster } from '../support/cluster.ts';
import { type CodecServer, serveCodecs } from '../support/codecServer.ts';
import { CodecVolume, VERSION } from '../support/codecVolume.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from '../support/recordingTranscoder.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

const volume = new CodecVolume();
const gate = Promise.withResolvers<void>();
let isThere = false;
const PASSWORD = 'p@ss:wörd';
let server: CodecServer;
let cluster: Cluster;
let transcoder: RecordingTranscoder;

beforeAll(async () => {
  server = await serveCodecs({
    gate: gate.promise,
    credentials: `me:${PASSWORD}`,
    fault: (codec) => (codec === 'libxbin_decoder' && !isThere ? 'absent' : null),
  });
  transcoder = await installRecordingTranscoder(volume.root);
  // What Plex's has in its program file.
  appendFileSync(transcoder.path, `\nexit\n%s version ${VERSION}\0`);
  cluster = await Cluster.start({
    workers: [],
    transcoderDirectory: volume.root,
    env: {
      ...{ CODECS: 'on', CODECS_DIR: volume.directory, PLEX_ARCH: 'amd64' },
      // The first refuses each.
      CODECS_URL: ['you', 'me'].map((user) => withPassword(server.url, user)).join(','),
    },
  });
});

function withPassword(address: string, user: string): string {
  return address.replace('//', `//${user}:${encodeURIComponent(PASSWORD)}@`);
}

afterAll(async () => {
  await cluster.stop();
  await server.close();
  volume.remove();
});

test('a worker takes jobs when its codecs are there, tells the transcoder of them, and says what is missing', async () => {
  const worker = await cluster.startWorker('w1');
  const address = await worker.listening();
  const before = await fetch(`${address}/ready`);
  expect(before.status).toBe(503);
  const { checks } = JSON.parse(await before.text());
  expect(checks.find(({ name }: { name: string }) => name === 'codecs')).toEqual({
    name: 'codecs',
    ok: false,
    message: '0 of 309 are there, the others are being fetched',
    blocking: true,
  });
  expect(await (await fetch(`${address}/metrics`)).text()).toContain('clusterplex_codecs_missing 309');

  gate.resolve();
  await worker.logged('codecs looked at', { missing: 1 });
  const hook = await cluster.runHook(['-version']);
  expect({ code: hook.code, stderr: String(hook.stderr) }).toEqual({ code: 0, stderr: '' });
  const env = (await transcoder.records()).map((record) => record.env.map(String));
  expect(env).toContainEqual(
    expect.arrayContaining([`FFMPEG_EXTERNAL_LIBS=${volume.set}/`, 'PLEX_MEDIA_SERVER_INFO_MODEL=x86_64']),
  );

  const after = await fetch(`${address}/ready`);
  expect(after.status).toBe(200);
  expect(JSON.parse(await after.text())).toMatchObject({
    ready: true,
    checks: expect.arrayContaining([
      { name: 'codecs', ok: false, message: 'not to be had: libxbin_decoder', blocking: false },
    ]),
  });
  expect(await (await fetch(`${address}/metrics`)).text()).toContain('clusterplex_codecs_missing 1');
  const [logs, ready] = [cluster.logs(), await (await fetch(`${address}/ready`)).text()];
  expect(logs).toMatch(/libxbin_decoder: 127\.0\.0\.1:\d+ answered 401/);
  for (const password of [PASSWORD, encodeURIComponent(PASSWORD)]) {
    expect(logs + ready).not.toContain(password);
  }
});

test('a codec that is to be had later is told of, so that the transcoder is asked again', async () => {
  const clock = new FakeClock();
  const later = new CodecVolume();
  const changed = vi.fn();
  const codecs = new Codecs({
    ...{
      filling: later.options(withPassword(server.url, 'me')),
      env: { PATH: '/usr/bin:/bin' },
      mark: {},
      changed,
    },
    ...{ architecture: architectureOf('amd64'), clock, random: () => 0, logger: pino({ level: 'silent' }) },
  });
  gate.resolve();
  isThere = false;
  await codecs.start();
  await expect.poll(() => codecs.warning, { timeout: 20_000 }).toBe('not to be had: libxbin_decoder');
  changed.mockClear();
  isThere = true;
  await expect
    .poll(
      () => {
        clock.advance(60_000);
        return changed.mock.calls.length;
      },
      { timeout: 20_000 },
    )
    .toBe(1);
  expect(codecs.missing).toBe(0);
  codecs.stop();
  later.remove();
});
