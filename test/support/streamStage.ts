import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { FakePms } from './fakePms.ts';
import { installPlexTranscoder } from './plexTranscoder.ts';
import { makeSample } from './sample.ts';
import { Stream, type StreamKind } from './stream.ts';

export interface StreamStageOptions extends Partial<Omit<ClusterOptions, 'pmsPort' | 'transcoderDirectory'>> {
  /** Length of the film. */
  readonly seconds: number;
}

/** A cluster with stand-in transcoders, a fake PMS, and a film. */
export class StreamStage {
  readonly seconds: number;
  readonly directory: string;
  readonly cluster: Cluster;
  readonly pms: FakePms;
  readonly #hook: string;

  private constructor(seconds: number, directory: string, cluster: Cluster, pms: FakePms, hook: string) {
    this.seconds = seconds;
    this.directory = directory;
    this.cluster = cluster;
    this.pms = pms;
    this.#hook = hook;
  }

  static async start({ seconds, ...options }: StreamStageOptions): Promise<StreamStage> {
    const directory = mkdtempSync(join(tmpdir(), 'streams-'));
    for (const name of ['media', 'transcode']) mkdirSync(join(directory, name));
    await makeSample(join(directory, 'media', 'film.mkv'), { seconds, width: 640, height: 360 });
    const pms = await FakePms.start();
    const original = await installPlexTranscoder(directory);
    const cluster = await Cluster.start({
      workers: ['w1', 'w2'],
      transcoderDirectory: directory,
      mounts: `${directory}:rw`,
      ...options,
      pmsPort: pms.port,
    });
    return new StreamStage(seconds, directory, cluster, pms, cluster.installHook(original));
  }

  play(kind: StreamKind): Promise<Stream> {
    const { cluster, pms, directory } = this;
    const input = join(directory, 'media', 'film.mkv');
    const transcodeDirectory = join(directory, 'transcode');
    return Stream.start({ cluster, pms, hook: this.#hook, input, transcodeDirectory }, kind);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.pms.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
