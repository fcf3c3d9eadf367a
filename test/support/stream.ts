import type { Cluster } from './cluster.ts';
import { corpusCommand } from './corpus.ts';
import type { FakePms, PmsChild, PmsExit } from './fakePms.ts';
import { type PmsJob, retarget } from './retarget.ts';
import { SeenByPms } from './seenByPms.ts';
import type { StreamKind } from './streamKinds.ts';

export interface StreamSource {
  readonly cluster: Cluster;
  readonly pms: FakePms;
  /** The installed hook. */
  readonly hook: string;
  readonly input: string;
  readonly transcodeDirectory: string;
}

interface StartedStream {
  readonly seen: SeenByPms;
  readonly child: PmsChild;
}

/** A film on its way to a viewer: what PMS started, and what it was told. */
export class Stream {
  readonly seen: SeenByPms;
  readonly #source: StreamSource;
  readonly #kind: StreamKind;
  readonly #job: PmsJob;
  readonly #child: PmsChild;
  #jobId = '';

  private constructor(source: StreamSource, kind: StreamKind, job: PmsJob, started: StartedStream) {
    this.#source = source;
    this.#kind = kind;
    this.#job = job;
    this.#child = started.child;
    this.seen = started.seen;
  }

  static async start(source: StreamSource, kind: StreamKind): Promise<Stream> {
    const { cluster, pms, hook, input, transcodeDirectory } = source;
    const command = corpusCommand(kind.id);
    const job = kind.adapt(retarget(command, { input, pmsPort: pms.port, transcodeDirectory }));
    const env = { RELAY_SOCKET: cluster.socket, TRANSCODE_OPERATING_MODE: 'remote' };
    const seen = new SeenByPms(pms, job);
    return new Stream(source, kind, job, { seen, child: await pms.spawn(hook, job, env) });
  }

  get session(): string {
    return this.#job.session;
  }

  get exited(): Promise<PmsExit> {
    return this.#child.exited;
  }

  /** PMS was told so many times of new segments. */
  announced(times: number): Promise<void> {
    return this.seen.announced(times);
  }

  /** Who runs it, as the orchestrator has it. */
  async running(): Promise<{ readonly worker: string; readonly jobId: string }> {
    const jobs: unknown[] = Object.values(
      Object(await this.#source.cluster.api('/api/v1/jobs?state=running')),
    );
    const { worker, jobId } = Object(jobs.find((job) => Object(job).session === this.#job.session));
    this.#jobId = String(jobId);
    return { worker: String(worker), jobId: this.#jobId };
  }

  /** The job's events in the orchestrator's words; it has to have been seen running. */
  async story(): Promise<string> {
    return JSON.stringify(await this.#source.cluster.api(`/api/v1/jobs/${this.#jobId}`));
  }

  /** What PMS was misled about, or what is wrong with the film that it was told of last. Empty: nothing. */
  problems(seconds: number): Promise<string[]> {
    return this.seen.problems(seconds, this.#kind.init);
  }

  /** Kills it if it still runs, and forgets it with all its files. */
  async remove(): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
    this.seen.remove();
  }
}
