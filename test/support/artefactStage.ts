/**
 * `NODE artefactStage.ts FOLDER`: the demo's job by the artefacts in a folder, on whatever network there is; says on
 * stdout what came of it. NODE is the artefacts' own, which runs the hook, too.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { corpusCommand } from './corpus.ts';
import { fitTo } from './demo/fit.ts';
import { probeMedia } from './demo/media.ts';
import { FakePms } from './fakePms.ts';
import { ffmpegTools } from './ffmpeg.ts';
import { Part } from './part.ts';
import { installPlexTranscoder } from './plexTranscoder.ts';
import { retarget } from './retarget.ts';
import { makeSample } from './sample.ts';

export interface StageReport {
  readonly interfaces: readonly string[];
  readonly installed: string;
  readonly hook: number | null;
  readonly segments: number;
  readonly worker: unknown;
  /** Status and size of what the orchestrator's pages are. */
  readonly pages: Readonly<Record<string, readonly [number, number]>>;
  readonly stopped: readonly (number | null)[];
  /** Of the command line, each by its words. */
  readonly commands: Readonly<Record<string, { readonly code: number | null; readonly stdout: string }>>;
}

/** HLS, MPEG-TS, H.264 in software, a subtitle burned in. */
const COMMAND = 'plex-misc-2';
const TOKEN = 'a-token-of-the-stage';

const [, , artefacts = ''] = process.argv;
const directory = mkdtempSync(join(tmpdir(), 'artefact-stage-'));
const [plex, transcode, media] = ['plex', 'transcode', 'media'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
const common = { CLUSTERPLEX_TOKEN: TOKEN, LISTENING_HOST: '127.0.0.1' };
const commands: Record<string, { code: number | null; stdout: string }> = {};
try {
  process.stdout.write(`${JSON.stringify(await stage())}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

async function stage(): Promise<StageReport> {
  for (const each of [plex, transcode, media]) mkdirSync(each);
  const tools = ffmpegTools();
  const film = join(media, 'Film.mkv');
  await makeSample(film, { seconds: 6, width: 320, height: 180, tools });
  await installPlexTranscoder(directory, { tools });
  await installPlexTranscoder(plex, { tools });
  const pms = await FakePms.start();
  const env = { ...common, HISTORY_PATH: join(directory, 'history.sqlite'), LISTENING_PORT: '0' };
  let orchestrator = new Part(join(artefacts, 'orchestrator.js'), env);
  let address = await orchestrator.listening();
  const worker = new Part(join(artefacts, 'worker.js'), {
    ...common,
    ORCHESTRATOR_URL: address,
    LISTENING_PORT: '0',
    WORKER_NAME: 'of-artefacts',
    TRANSCODER_PATH: directory,
    MOUNTS: `${transcode}:rw,${media}:ro`,
    STAT_CPU_OPS_DURATION: '50',
  });
  const relaySettings = {
    ...common,
    ORCHESTRATOR_URL: address,
    RELAY_SOCKET: join(directory, 'relay.sock'),
    LOCAL_RELAY_PORT: '0',
    PMS_PORT: String(pms.port),
    MOUNTS: `${transcode}:rw,${media}:ro`,
  };
  const relay = new Part(join(artefacts, 'relay.js'), relaySettings);
  const installed = await clusterplex(['install-hook'], { TRANSCODER_PATH: plex });
  await Promise.all([worker, relay].map((part) => part.logged('connected to the orchestrator')));
  await relay.listening();

  const found = await probeMedia(film, tools.ffprobe);
  const target = retarget(corpusCommand(COMMAND), {
    input: film,
    pmsPort: pms.port,
    transcodeDirectory: transcode,
    streams: { '0:0': '0:0', '0:1': '0:1', '0:3': '0:3' },
  });
  const job = fitTo(target, found);
  const child = await pms.spawn(join(plex, 'Plex Transcoder'), job, {
    RELAY_SOCKET: relaySettings.RELAY_SOCKET,
    TRANSCODE_OPERATING_MODE: 'remote',
  });
  const { code: hook } = await child.exited;
  const segments = readdirSync(job.cwd).filter((name) => name.endsWith('.ts')).length;
  const [placed] = relay.lines('job placed');

  const pages: Record<string, [number, number]> = {};
  for (const path of ['/', '/assets/preact.js', '/assets/main.ts', '/metrics', '/api/v1/openapi.json']) {
    const response = await fetch(`${address}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    pages[path] = [response.status, (await response.arrayBuffer()).byteLength];
  }
  const seen = { ...common, ORCHESTRATOR_URL: address };
  await clusterplex(['status'], seen);
  await clusterplex(['doctor', '--pms'], { ...relaySettings, TRANSCODER_PATH: plex });
  // What it finds after a restart was in the file.
  const stopped = [await orchestrator.stop()];
  orchestrator = new Part(join(artefacts, 'orchestrator.js'), env);
  address = await orchestrator.listening();
  await clusterplex(['history'], { ...common, ORCHESTRATOR_URL: address });
  stopped.push(...(await Promise.all([worker, relay, orchestrator].map((part) => part.stop()))));
  await pms.close();
  return {
    interfaces: Object.keys(networkInterfaces()),
    installed: installed.stdout,
    hook,
    segments,
    worker: placed?.['worker'],
    pages,
    stopped: stopped.map(({ code }) => code),
    commands,
  };
}

function clusterplex(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve) => {
    const options = { env: { PATH: '/usr/bin:/bin', ...env }, timeout: 20_000 };
    execFile(join(artefacts, 'clusterplex'), words, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
      const said = { code, stdout: `${stdout}${stderr}` };
      commands[words.join(' ')] = said;
      resolve(said);
    });
  });
}
