import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { FakePms } from './fakePms.ts';
import { installPlexTranscoder } from './plexTranscoder.ts';
import { installRecordingTranscoder, type RecordingTranscoder } from './recordingTranscoder.ts';
import { makeSample } from './sample.ts';
import { Stream } from './stream.ts';
import type { StreamKind } from './streamKinds.ts';

export interface StreamStageOptions extends Partial<Omit<ClusterOptions, 'pmsPort' | 'transcoderDirectory'>> {
  /** Length of the film. */
  readonly seconds: number;
}

interface Programs {
  /** The installed hook. */
  readonly hook: string;
  readonly recorder: RecordingTranscoder;
}

/** A cluster, a fake PMS, and a film. Its transcoder transcodes, or, given a behaviour, behaves. */
export class StreamStage {
  readonly seconds: number;
  readonly directory: string;
  readonly cluster: Cluster;
  readonly pms: FakePms;
  readonly recorder: RecordingTranscoder;
  /** The installed hook. */
  readonly hook: string;

  private constructor(
    seconds: number,
    directory: string,
    cluster: Cluster,
    pms: FakePms,
    programs: Programs,
  ) {
    this.seconds = seconds;
    this.directory = directory;
    this.cluster = cluster;
    this.pms = pms;
    this.recorder = programs.recorder;
    this.hook = programs.hook;
  }

  static async start({ seconds, ...options }: StreamStageOptions): Promise<StreamStage> {
    const directory = mkdtempSync(join(tmpdir(), 'streams-'));
    const [media, transcode] = [join(directory, 'media'), join(directory, 'transcode')];
    for (const path of [media, transcode]) mkdirSync(path);
    await makeSample(join(media, 'film.mkv'), { seconds, width: 640, height: 360 });
    const pms = await FakePms.start();
    const standIn = await installPlexTranscoder(directory, { name: 'stand-in' });
    const recorder = await installRecordingTranscoder(directory, 'recorder');
    const original = join(directory, 'Plex Transcoder');
    const script = `#!/bin/sh\ncase $1 in -x_*) exec '${recorder.path}' "$@" ;; esac\nexec '${standIn}' "$@"\n`;
    writeFileSync(original, script, { mode: 0o755 });
    const cluster = await Cluster.start({
      workers: ['w1', 'w2'],
      transcoderDirectory: directory,
      mounts: `${directory}:rw,${directory}/media:ro`,
      ...options,
      pmsPort: pms.port,
    });
    const programs = { hook: cluster.installHook(original), recorder };
    return new StreamStage(seconds, directory, cluster, pms, programs);
  }

  play(kind: StreamKind): Promise<Stream> {
    const { cluster, pms, media, transcodeDirectory } = this;
    const input = join(media, 'film.mkv');
    return Stream.start({ cluster, pms, hook: this.hook, input, transcodeDirectory }, kind);
  }

  /** Where the film is, alone. */
  get media(): string {
    return join(this.directory, 'media');
  }

  /** Where jobs write. */
  get transcodeDirectory(): string {
    return join(this.directory, 'transcode');
  }

  /** For a hook that may run its job here. */
  get local(): Readonly<Record<string, string>> {
    return { TRANSCODER_PATH: `${this.directory}/`, TRANSCODER_LOCAL_NAME: 'Plex Transcoder' };
  }

  async stop(): Promise<void> {
    await this.recorder.endAll();
    await this.cluster.stop();
    await this.pms.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
