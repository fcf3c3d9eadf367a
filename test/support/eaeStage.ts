import { appendFileSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test as plainTest } from 'vitest';
import { CODEC_NAMES } from '../../worker/codecs/names.ts';
import { Cluster, type RunningHook } from './cluster.ts';
import { CodecVolume, VERSION } from './codecVolume.ts';
import { EAE_PASSWORD, type EaeService, serveEae } from './eaeService.ts';
import { fakeLibrary } from './fakeLibrary.ts';
import type { Part } from './part.ts';
import { behaviour, installRecordingTranscoder, type RecordingTranscoder } from './recordingTranscoder.ts';

const DOLBY = ['-codec:1', 'eac3_eae', '-eae_prefix:1', 'session_'];

/** A cluster whose workers have all codecs, and a service from which they get EasyAudioEncoder. */
export class EaeStage {
  readonly volume: CodecVolume;
  readonly service: EaeService;
  readonly cluster: Cluster;
  readonly #transcoder: RecordingTranscoder;

  private constructor(
    volume: CodecVolume,
    service: EaeService,
    cluster: Cluster,
    transcoder: RecordingTranscoder,
  ) {
    this.volume = volume;
    this.service = service;
    this.cluster = cluster;
    this.#transcoder = transcoder;
  }

  static async open(): Promise<EaeStage> {
    const volume = new CodecVolume();
    mkdirSync(volume.set, { recursive: true });
    for (const codec of CODEC_NAMES) writeFileSync(join(volume.set, `${codec}.so`), fakeLibrary(codec));
    const transcoder = await installRecordingTranscoder(volume.root);
    appendFileSync(transcoder.path, `\nexit\n%s version ${VERSION}\0`);
    writeFileSync(join(volume.root, 'Plex Media Server'), '\x001.41.3.9314-a0bfb8370\0');
    const service = await serveEae();
    const cluster = await Cluster.start({
      workers: [],
      transcoderDirectory: volume.root,
      env: {
        CODECS: 'on',
        CODECS_DIR: volume.directory,
        CODECS_URL: '/nowhere',
        EAE_URL: service.url,
        PLEX_ARCH: 'amd64',
      },
    });
    return new EaeStage(volume, service, cluster, transcoder);
  }

  async close(): Promise<void> {
    await this.#transcoder.endAll();
    await this.cluster.stop();
    await this.service.close();
    this.volume.remove();
  }

  /** A worker of which it is known whether it has EasyAudioEncoder. */
  async worker(name = 'w1', usable = true): Promise<Part> {
    const worker = await this.cluster.startWorker(name);
    await worker.logged(`EasyAudioEncoder is ${usable ? 'usable' : 'not usable'}`);
    return worker;
  }

  /** A job that needs EasyAudioEncoder and goes on; its transcoder runs. */
  async job(): Promise<RunningHook> {
    const hook = this.cluster.startHook([...behaviour({ log: 'here' }, { block: true }), ...DOLBY]);
    await hook.spoke;
    return hook;
  }

  /** Such a job, which its hook runs itself since no worker may take it, and why. */
  async local(): Promise<unknown> {
    const env = { TRANSCODER_PATH: this.volume.root, TRANSCODER_LOCAL_NAME: 'Plex Transcoder' };
    const { code } = await this.cluster.runHook(DOLBY, { env });
    if (code !== 0) throw new Error(`the hook ended with ${code}`);
    const { relay } = this.cluster;
    await relay.logged('the hook runs it locally');
    const [line] = relay.lines('the hook runs it locally');
    return line?.['reason'];
  }

  /** EAE_ROOT of such jobs. */
  async roots(): Promise<string[]> {
    const records = await this.#transcoder.records();
    const jobs = records.filter(({ argv }) => argv.map(String).includes('eac3_eae'));
    const lines = jobs.flatMap(({ env }) => env.map(String).filter((line) => line.startsWith('EAE_ROOT=')));
    return lines.map((line) => line.slice('EAE_ROOT='.length));
  }

  /** How often EasyAudioEncoder was started for a worker. */
  starts(worker = 'w1'): number {
    return this.#pids(worker).length;
  }

  /** Waits until it runs, and until it runs no more. There is no event for either. */
  async runs(except: number | null = null): Promise<number> {
    for (;;) {
      const [pid = null] = this.running;
      if (pid !== null && pid !== except) return pid;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async runsNoMore(): Promise<void> {
    while (this.running.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Those of the first worker that run. */
  get running(): number[] {
    // Until the worker has seen its end, too.
    return this.#pids('w1').filter((pid) => existsSync(`/proc/${pid}`));
  }

  #pids(worker: string): number[] {
    const home = join(this.volume.directory, `eae-${worker}`);
    const file = join(home, '2001-linux-x86_64-standard/EasyAudioEncoder/started');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
  }
}

/** EasyAudioEncoder has made a WAV of what was put before it. */
export async function converted(root: string): Promise<void> {
  const folder = join(root, 'Convert to WAV (to 8ch or less)');
  const seen = new Promise<void>((resolve) => {
    const watcher = watch(folder, (_event, name) => {
      if (name !== 'session_1-0-0.wav') return;
      watcher.close();
      resolve();
    });
  });
  writeFileSync(join(folder, 'session_1-0-0.ec3'), 'E-AC-3');
  await seen;
}

export interface EaeCheck {
  readonly ok: boolean;
  readonly message: string | null;
  /** The worker is. */
  readonly ready: boolean;
}

export async function eaeCheck(worker: Part): Promise<EaeCheck> {
  const { ready, checks } = JSON.parse(await (await fetch(`${await worker.listening()}/ready`)).text());
  const { ok, message } = checks.find(({ name }: { name: string }) => name === 'eae');
  return { ok, message, ready };
}

export async function metric(worker: Part, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${await worker.listening()}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
}

/** A test with a stage of its own. */
export const test = plainTest.extend<{ stage: EaeStage }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern that names the fixtures it needs.
  stage: async ({}, use) => {
    const stage = await EaeStage.open();
    await use(stage);
    expect(stage.cluster.logs()).not.toContain(EAE_PASSWORD);
    await stage.close();
  },
});
