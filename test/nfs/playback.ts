import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../support/cluster.ts';
import { FakePms } from '../support/fakePms.ts';
import { installPlexTranscoder } from '../support/plexTranscoder.ts';
import { Stream } from '../support/stream.ts';
import type { StreamKind } from '../support/streamKinds.ts';
import type { GpuNode } from './gpuNode.ts';
import { CACHE, HOME, inPrograms } from './machine.ts';
import { FILM, programOf } from './programs.ts';
import { DFS } from './storageNode.ts';

/** As much longer than usual as `DFS_LOST_MS` is. */
const STALL_MS = '30000';

const CHEAPER: Readonly<Record<string, string>> = { veryfast: 'ultrafast', aac: 'ac3_fixed' };
const small = (element: string): string => element.replace(/scale=w=\d+:h=\d+/, 'scale=w=160:h=90');

/**
 * A genuine command: DASH in segments of 3 s. It loses the decoders of the film that was captured, of which one is
 * EasyAudioEncoder, and gets a picture and an encoder for sound (in integers) that an emulated processor is quick with.
 */
const DASH: StreamKind = {
  ...{ name: 'DASH', id: 'sp-nv-9905b5e9', init: 'init-stream0.m4s' },
  adapt: (job) => {
    const own = job.argv.slice(job.argv.indexOf('-analyzeduration'));
    return { ...job, argv: own.map((element) => CHEAPER[element] ?? small(element)) };
  },
};

/** PMS with orchestrator and relay on a machine of their own, and a worker in w3's container. */
export class Playback {
  readonly cluster: Cluster;
  readonly #pms: FakePms;
  readonly #directory: string;
  readonly #hook: string;

  private constructor(cluster: Cluster, pms: FakePms, directory: string) {
    this.cluster = cluster;
    this.#pms = pms;
    this.#directory = directory;
    this.#hook = cluster.installHook(join(directory, 'Plex Transcoder'));
  }

  static async start({ machine, inside }: GpuNode): Promise<Playback> {
    const directory = mkdtempSync('/tmp/playback-');
    const pms = await FakePms.start();
    await installTranscoder(directory);
    const worker = { address: machine.address, enter: inside };
    const cluster = await Cluster.start({
      workers: [machine.name],
      transcoderDirectory: directory,
      mounts: `${directory}:rw,${DFS}:ro`,
      pmsPort: pms.port,
      token: 'the-token-of-this-test',
      hostOf: (part) => (part === machine.name ? worker : { address: HOME, enter: [] }),
      env: { ...CACHE, STALL_MS },
    });
    return new Playback(cluster, pms, directory);
  }

  play(): Promise<Stream> {
    const [input, transcodeDirectory] = [join(DFS, FILM), join(this.#directory, 'transcode')];
    const { cluster } = this;
    return Stream.start({ cluster, pms: this.#pms, hook: this.#hook, input, transcodeDirectory }, DASH);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.#pms.close();
  }
}

/** To find out what ffmpeg can do takes half a minute here: it claims nothing, and is held to nothing. */
async function installTranscoder(directory: string): Promise<void> {
  const main = inPrograms(programOf('test/support/plexTranscoder/main.ts'));
  const standIn = await installPlexTranscoder(directory, { name: 'stand-in', main });
  const script = `#!/bin/sh\ncase " $* " in *' -progressurl '*) exec '${standIn}' "$@" ;; esac\n`;
  writeFileSync(join(directory, 'Plex Transcoder'), script, { mode: 0o755 });
}
