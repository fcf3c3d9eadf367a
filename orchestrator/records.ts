import type { Splice } from '#shared/argv/splice.ts';
import type { Output } from '#shared/protocol/messages.ts';
import { type AttemptRecord, isTooLong, STDERR_TAIL_BYTES } from '#shared/protocol/record.ts';
import { Tail } from '#shared/tail.ts';
import type { Cluster } from './core/cluster.ts';
import type { Attempt, Job } from './core/model.ts';
import type { Observer } from './driver.ts';

/** Of stderr of all attempts together: then the oldest that has ended goes. */
const MOST_BYTES = 32 * 1024 * 1024;
/** What each costs besides. */
const TAIL_BYTES = 1024;

interface Said {
  readonly tail: Tail;
  /** Bytes of output up to there: what comes again begins before, and what comes after a gap is sent again. */
  offset: number;
  /** It said something before that is not here. */
  readonly isLate: boolean;
}

/** What people may want to see of jobs, and nothing here needs: how commands were changed, and the ends of their stderr. */
export class Records {
  readonly #cluster: Pick<Cluster, 'workers'>;
  readonly #mostBytes: number;
  readonly #given = new WeakMap<Job, readonly Splice[]>();
  /** Null where they are too long to be kept. */
  readonly #splices = new WeakMap<Attempt, readonly Splice[] | null>();
  /** The oldest first. */
  readonly #said = new Map<Attempt, Said>();
  #bytes = 0;

  constructor(cluster: Pick<Cluster, 'workers'>, mostBytes = MOST_BYTES) {
    this.#cluster = cluster;
    this.#mostBytes = mostBytes;
  }

  /** A worker that tells what it changes, and has not, changed nothing. */
  readonly observe: Observer = (effect) => {
    if (effect.type !== 'job-changed') return;
    const { event, attempt } = effect;
    if (!attempt || (event !== 'started' && event !== 'adopted') || this.#splices.has(attempt)) return;
    if (this.#cluster.workers.get(attempt.worker)?.records) this.#splices.set(attempt, []);
  };

  given(job: Job, splices: readonly Splice[]): void {
    if (!isTooLong(splices)) this.#given.set(job, splices);
  }

  told(attempt: Attempt, { splices, stderr }: AttemptRecord): void {
    if (splices) this.#splices.set(attempt, isTooLong(splices) ? null : splices);
    if (stderr === undefined) return;
    this.#forget(attempt);
    const data = Buffer.from(stderr, 'base64');
    this.#add(attempt, data, 0, data.length);
  }

  /** Some of its output passes: of stdout only how much counts. */
  said(attempt: Attempt, { offset, stream, data }: Pick<Output, 'offset' | 'stream' | 'data'>): void {
    const known = this.#said.get(attempt);
    if (known && offset !== known.offset) return;
    const stderr = Buffer.from(stream === 'stderr' ? data : '', 'base64');
    this.#add(attempt, stderr, offset, offset + Buffer.byteLength(data, 'base64'));
  }

  /** What makes of its argv the one that PMS gave; null when its relay does not say. */
  givenOf(job: Job): readonly Splice[] | null {
    return this.#given.get(job) ?? null;
  }

  /** What its worker changed; null when that does not say. */
  splicesOf(attempt: Attempt): readonly Splice[] | null {
    return this.#splices.get(attempt) ?? null;
  }

  /** The last of what it said on stderr. */
  stderrOf(attempt: Attempt): Buffer {
    return this.#said.get(attempt)?.tail.bytes ?? Buffer.alloc(0);
  }

  /** Whether that may begin amid a line. */
  isCut(attempt: Attempt): boolean {
    const isLate = this.#said.get(attempt)?.isLate ?? false;
    return isLate || this.stderrOf(attempt).length === STDERR_TAIL_BYTES;
  }

  #add(attempt: Attempt, data: Buffer, from: number, to: number): void {
    const known = this.#said.get(attempt);
    const said = known ?? { tail: new Tail(STDERR_TAIL_BYTES), offset: 0, isLate: from > 0 };
    const before = known ? known.tail.size : -TAIL_BYTES;
    said.tail.add(data);
    said.offset = to;
    this.#said.set(attempt, said);
    this.#bytes += said.tail.size - before;
    while (this.#bytes > this.#mostBytes) this.#forget(this.#oldest());
  }

  #oldest(): Attempt | undefined {
    let oldest: Attempt | undefined;
    for (const attempt of this.#said.keys()) {
      if (attempt.phase === 'ended') return attempt;
      oldest ??= attempt;
    }
    return oldest;
  }

  #forget(attempt: Attempt | undefined): void {
    const said = attempt && this.#said.get(attempt);
    if (!said) return;
    this.#said.delete(attempt);
    this.#bytes -= said.tail.size + TAIL_BYTES;
  }
}
