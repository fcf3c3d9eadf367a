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
  #gathering = false;
  #failing = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Finds out at once whether the archive can be written, and drops what has become too old. */
  async open(): Promise<void> {
    await this.#ask({ type: 'write', jobs: [], records: [], more: false });
  }

  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed' || effect.event !== 'ended' || !this.#options.archive) return;
    this.#ended.push(effect.job);
    if (this.#gathering) return;
    this.#gathering = true;
    this.#options.clock.after(GATHER_MS, () => {
      this.#gathering = false;
      void this.#write();
    });
  };

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

  async #write(): Promise<void> {
    const { views, records, clock } = this.#options;
    const writes: Promise<Answer | null>[] = [];
    while (this.#ended.length > 0) {
      const some = this.#ended.splice(0, AT_ONCE);
      const jobs = some.map((job) => views.story(job));
      const kept: KeptRecord[] = [];
      for (const job of some) {
        const record = records.kept(job);
        if (!record) continue;
        kept.push(record);
        // One of these takes as long as the stories of ten.
        await new Promise<void>((resolve) => clock.soon(resolve));
      }
      writes.push(this.#ask({ type: 'write', jobs, records: kept, more: this.#ended.length > 0 }));
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    await Promise.all(writes);
  }

  /** Null when nothing is there to ask, or when it fails: which is said once, until it works again. */
  async #ask(question: Question): Promise<Answer | null> {
    const { archive, logger } = this.#options;
    if (!archive) return null;
    try {
      const answer = await archive.ask(question);
      if (this.#failing && question.type === 'write') {
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
