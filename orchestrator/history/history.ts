import type { KeptRecord } from '#shared/api/records.ts';
import type { JobStoryView, JobView } from '#shared/api/schemas.ts';
import type { Clock } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import type { RecordViews } from '../api/recordViews.ts';
import type { Views } from '../api/views.ts';
import type { Cluster } from '../core/cluster.ts';
import type { Job } from '../core/model.ts';
import type { Observer } from '../driver.ts';
import type { Answer, Archive, Question } from './archive.ts';
import { searchMemory } from './memory.ts';
import type { HistoryPage, HistoryQuery } from './query.ts';

/** How long an ended job may wait for others to be written with: what a crash may cost. */
const GATHER_MS = 1_000;
/** Telling their stories takes about as long as a dispatch; who waits for one comes in between. */
const AT_ONCE = 10;
/** While the archive fails, so many wait for it, and it is tried so often. */
const MOST_UNWRITTEN = 1_000;
const RETRY_MS = 30_000;

const NOTHING: Question = { type: 'write', jobs: [], records: [], more: false };

export interface HistoryOptions {
  /** Null: what the core remembers is all. */
  readonly archive: Archive | null;
  readonly cluster: Cluster;
  readonly views: Views;
  readonly records: Pick<RecordViews, 'kept'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The jobs that have ended: in the archive, and while that fails, those that the core remembers. */
export class History {
  readonly #options: HistoryOptions;
  #ended: Job[] = [];
  #isDue = false;
  #writing: Promise<void> | null = null;
  #failing = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Finds out at once whether the archive can be written, and drops what has become too old. */
  async open(): Promise<void> {
    await this.#ask(NOTHING);
  }

  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed' || !this.#options.archive) return;
    const { job, event } = effect;
    // Its relay says so a moment after the end, which may have been written by then.
    const isToldAgain = event === 'on-pms' && !this.#ended.includes(job);
    if (event !== 'ended' && !isToldAgain) return;
    this.#ended.push(job);
    this.#writeAfter(GATHER_MS);
  };

  /** Jobs that wait for an archive that fails. */
  get unwritten(): number {
    return this.#failing ? this.#ended.length : 0;
  }

  async search(query: HistoryQuery): Promise<HistoryPage<JobView>> {
    await this.#write();
    // While it can't be written, the newest are not there.
    const answer = this.#failing ? null : await this.#ask({ type: 'search', query });
    return answer?.page ?? searchMemory(this.#options, query);
  }

  /** Of a job that the core does not remember. */
  async story(jobId: string): Promise<JobStoryView | null> {
    return (await this.#ask({ type: 'story', jobId }))?.story ?? null;
  }

  /** Command and output of one that ended badly. */
  async record(jobId: string): Promise<KeptRecord | null> {
    return (await this.#ask({ type: 'record', jobId }))?.record ?? null;
  }

  async stop(): Promise<void> {
    await this.#write();
    // An archive that fails or hangs ends with the process.
    await this.#options.archive?.close().catch(() => {});
  }

  #writeAfter(ms: number): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.clock.after(ms, () => {
      this.#isDue = false;
      void this.#write();
    });
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  /** What can't be written now is kept for later. */
  async #writeAll(): Promise<void> {
    while (this.#ended.length > 0) {
      // Of an archive that fails a few are enough to see whether it works again.
      const told = await this.#tell(this.#failing ? AT_ONCE : Number.POSITIVE_INFINITY);
      if (told.length === 0) continue;
      this.#ended = [...told, ...this.#ended].slice(-MOST_UNWRITTEN);
      this.#writeAfter(RETRY_MS);
      return;
    }
  }

  /** @returns those that were not written: none, or all of them */
  async #tell(most: number): Promise<readonly Job[]> {
    const { views, clock } = this.#options;
    const told: Job[] = [];
    const writes: Promise<Answer | null>[] = [];
    for (let more = true; more; ) {
      const some = this.#ended.splice(0, AT_ONCE);
      told.push(...some);
      const jobs = some.map((job) => views.story(job));
      const kept: KeptRecord[] = [];
      for (const job of some) {
        const record = this.#recordOf(job);
        if (!record) continue;
        kept.push(record);
        // One of these takes as long as the stories of ten.
        await new Promise<void>((resolve) => clock.soon(resolve));
      }
      more = this.#ended.length > 0 && told.length < most;
      writes.push(this.#ask({ type: 'write', jobs, records: kept, more }));
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    return (await Promise.all(writes)).includes(null) ? told : [];
  }

  /** Null also when it can't be told: workers and relays say what it is made of. */
  #recordOf(job: Job): KeptRecord | null {
    try {
      return this.#options.records.kept(job);
    } catch (error) {
      const { jobId } = job.spec;
      const { message } = coerceError(error);
      this.#options.logger.warn({ jobId, problem: message }, 'command and output of a job can’t be kept');
      return null;
    }
  }

  /** Null when nothing is there to ask, or when it fails: which is said once, until it works again. */
  async #ask(question: Question): Promise<Answer | null> {
    const { archive, logger } = this.#options;
    if (!archive) return null;
    try {
      const answer = await archive.ask(question);
      if (this.#failing && question.type === 'write' && question.jobs.length > 0) {
        this.#failing = false;
        logger.info('finished jobs are written into the history again');
      }
      return answer;
    } catch (error) {
      if (!this.#failing) {
        const { message } = coerceError(error);
        logger.warn({ problem: message }, 'the history can’t be used: finished jobs are kept in memory only');
      }
      this.#failing = true;
      return null;
    }
  }
}
