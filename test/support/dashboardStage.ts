import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from './cluster.ts';
import { HookClient } from './hookClient.ts';
import { portOf } from './portOf.ts';
import {
  behaviour,
  installRecordingTranscoder,
  type RecordingTranscoder,
  type Step,
} from './recordingTranscoder.ts';

export const DASHBOARD_TOKEN = 'the-admin-token-of-the-dashboard';

/** A live system for the dashboard to show: jobs with titles, whose progress is told by hand. */
export class DashboardStage {
  readonly cluster: Cluster;
  readonly recorder: RecordingTranscoder;
  readonly #directory: string;
  readonly #pms: Server;
  #sessions = 0;

  private constructor(cluster: Cluster, recorder: RecordingTranscoder, directory: string, pms: Server) {
    this.cluster = cluster;
    this.recorder = recorder;
    this.#directory = directory;
    this.#pms = pms;
  }

  static async start(): Promise<DashboardStage> {
    const directory = mkdtempSync(join(tmpdir(), 'dashboard-'));
    const recorder = await installRecordingTranscoder(directory);
    // A PMS that accepts everything.
    const pms = createServer((request, response) => request.resume().on('end', () => response.end()));
    await new Promise<void>((resolve) => pms.listen(0, '127.0.0.1', resolve));
    const cluster = await Cluster.start({
      ...{ workers: [], transcoderDirectory: directory, token: DASHBOARD_TOKEN, pmsPort: portOf(pms) },
      // What waits is to be seen.
      env: {
        ...{ CLUSTERPLEX_ADMIN_TOKEN: DASHBOARD_TOKEN, QUEUE_TIMEOUT_MS: '600000' },
        HISTORY_PATH: join(directory, 'history.sqlite'),
      },
    });
    return new DashboardStage(cluster, recorder, directory, pms);
  }

  /** A job as PMS writes one for somebody who watches. */
  play(title: string, ...steps: readonly Step[]): HookClient {
    this.#sessions += 1;
    const session = `http://127.0.0.1:${portOf(this.#pms)}/video/:/transcode/session/session-${this.#sessions}/job`;
    const argv = [
      ...behaviour(...steps),
      ...['-i', this.#media(title), '-progressurl', `${session}/progress`, '-f', 'ssegment'],
      ...['-segment_list', `${session}/seglist`, '-segment_list_type', 'csv', 'media-%05d.ts'],
    ];
    return new HookClient(this.cluster.socket, { argv, cwd: this.cluster.cwd });
  }

  /** One of which PMS wants no word on stderr, with many options. */
  silent(title: string, ...steps: readonly Step[]): HookClient {
    const tags = Array.from({ length: 9 }, (_, index) => ['-metadata', `tag${index}=it's ${index}`]).flat();
    const argv = [...behaviour(...steps), '-loglevel', 'quiet', '-i', this.#media(title), ...tags, 'out.mp4'];
    return new HookClient(this.cluster.socket, { argv, cwd: this.cluster.cwd });
  }

  optimise(title: string, ...steps: readonly Step[]): HookClient {
    const argv = [...behaviour(...steps), '-i', this.#media(title), '-f', 'mp4', `${title}.mp4`];
    return new HookClient(this.cluster.socket, { argv, cwd: this.cluster.cwd });
  }

  /** One that no worker may run, and PMS may. */
  foreign(title: string): HookClient {
    const argv = [...behaviour(), '-i', `/nowhere/${title}`, '-f', 'mp4', `${title}.mp4`];
    return new HookClient(this.cluster.socket, { argv, cwd: this.cluster.cwd, local: true });
  }

  async started(client: HookClient, attempt = 1): Promise<void> {
    await this.cluster.orchestrator.logged('job started', { jobId: client.jobId, attempt });
  }

  #media(title: string): string {
    return join(this.cluster.directory, title);
  }

  /** Tells PMS of progress and of a first segment, as a transcoder of this title would. */
  async progress(title: string, progress: number, speed: number): Promise<void> {
    const argv = await this.#argvOf(title);
    const after = (option: string): string => argv[argv.indexOf(option) + 1] ?? '';
    writeFileSync(join(this.cluster.cwd, 'media-00000.ts'), 'segment');
    writeFileSync(join(this.cluster.cwd, 'media-00001.ts'), '');
    await fetch(after('-segment_list'), { method: 'POST', body: 'media-00000.ts,0.0,5.0\n' });
    await fetch(`${after('-progressurl')}?progress=${progress}&speed=${speed}`, { method: 'PUT' });
  }

  async #argvOf(title: string): Promise<string[]> {
    for (let runs = 1; ; runs++) {
      const records = await this.recorder.waitForRecords(runs);
      const found = records
        .map(({ argv }) => argv.map(String))
        .find((argv) => argv.includes(this.#media(title)));
      if (found) return found;
    }
  }

  async stop(): Promise<void> {
    await this.recorder.endAll();
    await this.cluster.stop();
    this.#pms.closeAllConnections();
    await new Promise((resolve) => this.#pms.close(resolve));
    rmSync(this.#directory, { recursive: true });
  }
}
