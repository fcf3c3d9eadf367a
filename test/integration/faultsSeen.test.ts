import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Finding } from '../../cli/doctor/finding.ts';
import {
  BROWSER_TIMEOUT_MS,
  browserObstacle,
  inaccessible,
  openPage,
  startBrowser,
} from '../support/browser.ts';
import { clusterplex } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { VERSION } from '../support/codecVolume.ts';
import { GpuMachine } from '../support/gpuMachine.ts';
import { Part } from '../support/part.ts';
import { portOf } from '../support/portOf.ts';
import { installRecordingTranscoder } from '../support/recordingTranscoder.ts';

/** What a new user does wrong: the dashboard and doctor say what it is and what to do. */
const TOKEN = 'the-token-of-a-new-user';
const directory = mkdtempSync(join(tmpdir(), 'faults-seen-'));
const [transcode, elsewhere] = [join(directory, 'transcode'), join(directory, 'elsewhere')];
const machine = new GpuMachine();
let cluster: Cluster;
let browser: Browser | null = null;
let page: Page;
let stranger: Part;

beforeAll(async () => {
  for (const path of [transcode, elsewhere]) mkdirSync(path);
  chmodSync(directory, 0o755);
  await installRecordingTranscoder(directory);
  appendFileSync(machine.transcoder, `\nexit\n%s version ${VERSION}\0`);
  cluster = await Cluster.start({
    ...{ workers: [], transcoderDirectory: directory, token: TOKEN },
    relayEnv: { MOUNTS: `${transcode}:rw` },
  });
  if (browserObstacle !== null) return;
  browser = await startBrowser();
  ({ page } = await openPage(browser, { viewport: { width: 1280, height: 800 } }));
  await page.goto(cluster.address);
  await page.getByLabel('Admin token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByText('No worker is connected').waitFor();
}, BROWSER_TIMEOUT_MS);

afterAll(async () => {
  stranger?.child.kill('SIGKILL');
  await browser?.close();
  await cluster.stop();
  machine.remove();
  rmSync(directory, { recursive: true });
});

async function expectSeen(check: string, cause: RegExp, remedy: RegExp): Promise<void> {
  const env = { ORCHESTRATOR_URL: cluster.address, CLUSTERPLEX_TOKEN: TOKEN };
  await vi.waitFor(
    async () => {
      const { stdout } = await clusterplex(['doctor', '--json'], env);
      const { findings }: { findings: Finding[] } = JSON.parse(stdout);
      expect(findings.find((finding) => finding.check === check)).toEqual(
        expect.objectContaining({
          result: 'failed',
          says: expect.stringMatching(cause),
          remedy: expect.stringMatching(remedy),
        }),
      );
    },
    { timeout: 25_000, interval: 500 },
  );
  if (browser === null) return;
  const item = page.getByRole('listitem').filter({ hasText: cause }).filter({ hasText: remedy });
  await item.first().waitFor({ timeout: 15_000 });
  expect(await inaccessible(page)).toEqual([]);
}

test('another volume than the transcode directory of PMS is mounted on a worker', async () => {
  await cluster.startWorker('w1', { MOUNTS: `${elsewhere}:rw`, PATH_MAP: `${transcode}=${elsewhere}` });
  await expectSeen(
    'worker w1: storage',
    /elsewhere is not the volume that PMS uses as/,
    /mount there what PMS uses/,
  );
}, 60_000);

test('a worker has no token', async () => {
  stranger = new Part('worker/main.ts', {
    ...{ ORCHESTRATOR_URL: cluster.address, LISTENING_HOST: '127.0.0.1', LISTENING_PORT: '0' },
    ...{ WORKER_NAME: 'w2', MOUNTS: `${transcode}:rw`, TRANSCODER_PATH: directory, CODECS: 'off' },
  });
  const isRefused = { role: 'worker', reason: 'no-token' };
  await cluster.orchestrator.logged('refused a connection', isRefused);
  // Doctor tries whether a worker would be let in from here, and must not be taken for that one.
  const { stdout } = await clusterplex(['doctor', '--worker', '--json'], {
    ...{ ORCHESTRATOR_URL: cluster.address, CLUSTERPLEX_TOKEN: TOKEN },
  });
  expect(stdout).toContain('worker at 127.0.0.1');
  await expectSeen('worker at 127.0.0.1', /a worker without a token/, /set CLUSTERPLEX_TOKEN there/);
  expect(await cluster.api('/api/v1/peers')).toEqual({
    relays: [{ name: expect.any(String), version: expect.any(String) }],
    refused: [expect.objectContaining({ role: 'worker', address: '127.0.0.1', reason: 'no-token' })],
  });
}, 60_000);

test('the server of codecs is gone', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const port = portOf(gone);
  gone.close();
  await cluster.startWorker('w3', {
    ...{ TRANSCODER_PATH: machine.directory, TRANSCODER_NAME: 'transcoder', PLEX_ARCH: 'amd64' },
    ...{ CODECS: 'on', CODECS_DIR: join(directory, 'codecs'), CODECS_URL: `http://127.0.0.1:${port}/` },
    ...{ MOUNTS: `${transcode}:rw`, EAE_SUPPORT: '0' },
  });
  await expectSeen(
    'worker w3: codecs',
    /0 of 309 are there.*ECONNREFUSED/,
    /let that worker reach CODECS_URL/,
  );
}, 60_000);
