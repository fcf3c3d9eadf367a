import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../cli/doctor/finding.ts';
import { type CliExit, clusterplex, runHere } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { VERSION } from '../support/codecVolume.ts';
import { type EaeService, serveEae } from '../support/eaeService.ts';
import { FakePms } from '../support/fakePms.ts';
import { GpuMachine, NO_CUDA } from '../support/gpuMachine.ts';
import { PmsHost } from '../support/pmsHost.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from '../support/recordingTranscoder.ts';

const TOKEN = 'a-token-that-nobody-may-see';
const SUPPORT = 'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR';
const PMS_TOKEN = 'plex-online-token';
const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
const [transcode, elsewhere] = [join(directory, 'transcode'), join(directory, 'elsewhere')];
const machine = new GpuMachine();
const host = new PmsHost();
let recorder: RecordingTranscoder;
let pms: FakePms;
let eae: EaeService;
let cluster: Cluster;
let env: Record<string, string>;

beforeAll(async () => {
  for (const path of [transcode, elsewhere]) mkdirSync(path);
  chmodSync(directory, 0o755);
  recorder = await installRecordingTranscoder(directory);
  pms = await FakePms.start();
  eae = await serveEae();
  cluster = await Cluster.start({
    ...{ workers: [], transcoderDirectory: directory, token: TOKEN, pmsPort: pms.port },
    relayEnv: { MOUNTS: `${transcode}:rw` },
  });
  writeFileSync(join(host.plex, 'Plex Transcoder'), '\x7fELF as Plex delivers it', { mode: 0o755 });
  await host.install();
  const [relay = ''] = (await cluster.relay.listening()).split(' ');
  env = {
    ...{ ORCHESTRATOR_URL: cluster.address, CLUSTERPLEX_TOKEN: TOKEN, LISTENING_HOST: '127.0.0.1' },
    ...{ RELAY_SOCKET: cluster.socket, LOCAL_RELAY_PORT: new URL(relay).port, PMS_PORT: String(pms.port) },
    ...{ TRANSCODER_PATH: host.plex, MOUNTS: `${transcode}:rw` },
    [SUPPORT]: preferences(`TranscoderTempDirectory="${transcode}"`),
  };
}, 60_000);

afterAll(async () => {
  await recorder.endAll();
  await cluster.stop();
  await Promise.all([pms.close(), eae.close(), host.close()]);
  machine.remove();
  rmSync(directory, { recursive: true });
});

/** Where PMS has them then. */
function preferences(setting: string): string {
  const support = mkdtempSync(join(directory, 'support-'));
  mkdirSync(join(support, 'Plex Media Server'));
  const text = `<?xml version="1.0" encoding="utf-8"?>\n<Preferences PlexOnlineToken="${PMS_TOKEN}" ${setting}/>\n`;
  writeFileSync(join(support, 'Plex Media Server/Preferences.xml'), text);
  return support;
}

/** What doctor finds here, with these settings instead of those that are right. */
async function examine(changes: Readonly<Record<string, string>> = {}) {
  return read(await runHere(['doctor', '--json'], { ...env, ...changes }));
}

function read({ code, stdout, stderr }: CliExit) {
  expect({ stderr, stdout }).toEqual({
    stderr: '',
    stdout: expect.not.stringMatching(`${TOKEN}|${PMS_TOKEN}`),
  });
  const findings: readonly Finding[] = JSON.parse(stdout).findings;
  return { code, findings, of: (check: string) => findings.find((each) => each.check === check) };
}

function finding(result: string, says: RegExp, remedy: RegExp) {
  return expect.objectContaining({
    result,
    says: expect.stringMatching(says),
    remedy: expect.stringMatching(remedy),
  });
}

/** Workers of which the checks of these names have come to say what is wrong. */
async function complains(name: string, checks: readonly string[]): Promise<void> {
  const wrong = async (): Promise<string[]> => {
    const worker = Object(await cluster.api(`/api/v1/workers/${name}`));
    return checks.filter((each) =>
      worker.checks.some((check: { name: string; ok: boolean; message: string }) => {
        return check.name === each && !check.ok && !/being|looked for/.test(check.message);
      }),
    );
  };
  await expect.poll(wrong, { timeout: 25_000, interval: 100 }).toEqual(checks);
}

test('nothing is wrong: all that can be asked is ok, on a PMS host and elsewhere', async () => {
  await cluster.startWorker('w1', { MOUNTS: `${transcode}:rw` });
  const anywhere = { ORCHESTRATOR_URL: cluster.address, CLUSTERPLEX_TOKEN: TOKEN };
  const { code, of, findings } = await examine();
  const table = await clusterplex(['doctor'], anywhere);
  expect(findings.filter(({ result }) => result === 'failed')).toEqual([]);
  expect(code).toBe(0);
  const checked = ['settings', 'orchestrator', 'clock', 'token of the relay', 'token of the API', 'versions'];
  for (const check of [
    ...checked,
    'shared by PMS',
    'worker w1',
    'relay',
    'PMS',
    'hook',
    `mount ${transcode}`,
  ]) {
    expect({ check, result: of(check)?.result }).toEqual({ check, result: 'ok' });
  }
  expect(of('transcode directory of PMS')?.says).toBe(`is ${transcode}`);
  expect(of('token of the worker')).toMatchObject({ result: 'skipped', says: 'this is no worker’s host' });
  // All is on this machine.
  expect(of('callbacks')).toEqual(finding('warning', /only those on this machine/, /^set PMS_IP/));

  expect(table.stdout).toMatch(/\nrelay, PMS, hook +skipped +this is no PMS host/);
  expect(table).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\n\d+ ok, \d warnings, 0 failed, \d skipped\n$/),
  });
}, 30_000);

test('a worker’s host, which has no token of the API', async () => {
  const port = new URL((await cluster.workers.get('w1')?.listening()) ?? '').port;
  const its = {
    ...{ ORCHESTRATOR_URL: cluster.address, CLUSTERPLEX_WORKER_TOKEN: TOKEN, WORKER_NAME: 'w1' },
    ...{ LISTENING_PORT: port, MOUNTS: `${transcode}:rw` },
  };
  const { code, of } = read(await runHere(['doctor', '--json'], its));
  expect(code).toBe(0);
  for (const check of ['token of the worker', 'this worker', `mount ${transcode}`]) {
    expect({ check, result: of(check)?.result }).toEqual({ check, result: 'ok' });
  }
  expect(of('versions, workers, shared directories')).toMatchObject({
    result: 'skipped',
    says: expect.stringMatching(/no token is set here; with CLUSTERPLEX_ADMIN_TOKEN doctor sees/),
  });
  const gone = read(await runHere(['doctor', '--json'], { ...its, LISTENING_PORT: '9' }));
  expect(gone.of('this worker')).toEqual(
    finding(
      'failed',
      /does not answer at http:\/\/127\.0\.0\.1:9\/ready/,
      /^start it \(clusterplex worker\)/,
    ),
  );
});

test('what is wrong on a worker: another volume, codecs, EasyAudioEncoder, GPU', async () => {
  machine.nvidia('rtx-3080-v13');
  machine.refuses({ '*cuda*': NO_CUDA });
  appendFileSync(machine.transcoder, `\nexit\n%s version ${VERSION}\0`);
  // Licences that have ended.
  eae.grant = -60;
  await cluster.startWorker('w2', {
    ...{ PATH: machine.env['PATH'] ?? '', TRANSCODER_PATH: machine.directory, TRANSCODER_NAME: 'transcoder' },
    ...{ CODECS: 'on', CODECS_DIR: join(directory, 'codecs'), CODECS_URL: join(directory, 'no-codecs') },
    ...{ EAE_URL: eae.url, PLEX_ARCH: 'amd64' },
    ...{ MOUNTS: `${elsewhere}:rw`, PATH_MAP: `${transcode}=${elsewhere}` },
  });
  await complains('w2', ['storage', 'codecs', 'eae', 'gpu']);
  const { code, of } = await examine();
  expect(code).toBe(1);
  expect(of('worker w2')).toEqual(
    finding('failed', /^not-ready, 0 of 2 slots, no GPU .*; ok: transcoder/, /^see its failed checks below$/),
  );
  expect(of('worker w2: storage')).toEqual(
    finding(
      'failed',
      /elsewhere is not the volume that PMS uses as .*transcode/,
      /^mount there what PMS uses, under the same/,
    ),
  );
  expect(of('worker w2: codecs')).toEqual(
    finding(
      'failed',
      /^0 of 309 are there; fetching them fails \(/,
      /^let that worker reach CODECS_URL, or name in it/,
    ),
  );
  expect(of('worker w2: eae')).toEqual(
    finding('warning', /licence ended|expired/, /EAE_URL, which renews licences/),
  );
  expect(of('worker w2: gpu')).toEqual(
    finding(
      'warning',
      /RTX 3080 .*can't be used: .*NVIDIA_DRIVER_CAPABILITIES/,
      /^give that worker the device/,
    ),
  );
}, 60_000);

test('what is wrong with a transcode directory, and with what PMS does with it', async () => {
  const missing = await examine({ [SUPPORT]: preferences(''), MOUNTS: `${directory}/nowhere:rw` });
  const other = await examine({
    [SUPPORT]: preferences('TranscoderTempDirectory="/config/transcode &amp; more"'),
  });
  expect(missing.of('transcode directory of PMS')).toEqual(
    finding('failed', /PMS’s default, which no worker has/, /^in PMS: Settings ▸ Transcoder ▸ .*nowhere$/),
  );
  expect(missing.of(`mount ${directory}/nowhere`)).toEqual(
    finding('failed', /does not exist/, /^mount it, or correct MOUNTS/),
  );
  expect(other.of('transcode directory of PMS')).toEqual(
    finding(
      'failed',
      /^is \/config\/transcode & more, which MOUNTS/,
      /add \/config\/transcode & more:rw to MOUNTS/,
    ),
  );
});

test.runIf(process.getuid?.() === 0)('a directory that this user may not write', async () => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const { of } = read(await clusterplex(['doctor', '--json'], env, nobody));
  expect(of(`mount ${transcode}`)).toEqual(
    finding(
      'failed',
      /transcode can't be written as this user \(uid 65534\)/,
      /must be writable .*\(doctor ran as uid 65534\)/,
    ),
  );
});

test('callbacks that go nowhere, PMS that does not answer, a relay that is gone', async () => {
  const { of, code } = await examine({
    ...{ PMS_IP: '127.0.0.2', PMS_PORT: '9', RELAY_SOCKET: join(directory, 'no.sock') },
    LISTENING_HOST: '127.0.0.1',
  });
  expect(code).toBe(1);
  expect(of('callbacks')).toEqual(
    finding(
      'failed',
      /^nobody answers at http:\/\/127\.0\.0\.2:\d+, .*ECONNREFUSED/,
      /^set PMS_IP to an address .*open port \d+ \(LOCAL/,
    ),
  );
  expect(of('PMS')).toEqual(finding('failed', /^does not answer at http:\/\/127\.0\.0\.1:9/, /PMS_PORT/));
  expect(of('relay')).toEqual(finding('failed', /no\.sock \(ENOENT\)$/, /^start it \(clusterplex relay\)/));
});

test('a hook that an update has replaced, or whose Node or original is gone', async () => {
  const other = new PmsHost();
  const transcoder = join(other.plex, 'Plex Transcoder');
  const look = async () => (await examine({ TRANSCODER_PATH: other.plex })).of('hook');
  writeFileSync(transcoder, '\x7fELF as Plex delivers it', { mode: 0o755 });
  expect(await look()).toEqual(
    finding('failed', /is Plex’s own: PMS transcodes by itself/, /^clusterplex install-hook/),
  );
  await other.install();
  rmSync(join(other.plex, 'originalTranscoder'));
  expect(await look()).toEqual(
    finding('failed', /^the original is gone/, /^reinstall Plex Media Server, then/),
  );
  await other.close();
});

test('no orchestrator, a wrong token, a wrong setting, and what Kubernetes injects', async () => {
  const gone = await examine({ ORCHESTRATOR_URL: 'http://127.0.0.1:3' });
  const stranger = await examine({ CLUSTERPLEX_TOKEN: 'another' });
  const links = await examine({ PMS_PORT: 'tcp://10.0.0.1:32400' });
  const slow = await examine({ QUEUE_TIMEOUT_MS: 'slow' });
  expect(gone.of('orchestrator')).toEqual(
    finding('failed', /can't be reached: ECONNREFUSED$/, /set ORCHESTRATOR_URL/),
  );
  expect(stranger.of('token of the relay')).toEqual(
    finding('failed', /refuses a relay: 401, the token is another one/, /^set CLUSTERPLEX_RELAY_TOKEN, or/),
  );
  expect(stranger.of('token of the API')).toEqual(
    finding('failed', /is not its admin token/, /^set CLUSTERPLEX_ADMIN/),
  );
  expect(links.of('service links')).toEqual(
    finding('failed', /^PMS_PORT is what Kubernetes/, /enableServiceLinks: false/),
  );
  expect(slow.of('settings')).toEqual(
    finding('failed', /^QUEUE_TIMEOUT_MS/, /^correct it in the environment/),
  );
});
