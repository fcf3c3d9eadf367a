import { readErrorIn } from '#shared/readError.ts';

/** How far a job is, by what PMS has accepted of it. */
export class AcceptedCallbacks {
  #progress: number | null = null;
  #speed: number | null = null;
  #firstSegment: number | null = null;
  #announced = 0;
  #duration: number | null = null;
  #readError: string | null = null;
  readonly #inputs: readonly string[];

  /** @param inputs as the command names them */
  constructor(inputs: readonly string[] = []) {
    this.#inputs = inputs;
  }

  /** Percent; null before the first. */
  get progress(): number | null {
    return this.#progress;
  }

  /** Multiple of real time; null while PMS has not been told, or the transcoder is throttled. */
  get speed(): number | null {
    return this.#speed;
  }

  /** Seconds of the first input; null before it is open, and when the transcoder does not know. */
  get duration(): number | null {
    return this.#duration !== null && this.#duration > 0 ? this.#duration : null;
  }

  /** Segments, or rows of the list. */
  get announced(): number {
    return this.#announced;
  }

  /** What an earlier relay was told. */
  restore(duration: number | null, documents: readonly string[]): void {
    this.#duration = duration;
    for (const document of documents) this.documentAccepted(document);
  }

  /** Why the attempt's input could not be read on; null when it could. */
  get readError(): string | null {
    return this.#readError;
  }

  /** What the attempt before said is not this one's. */
  attemptChanged(): void {
    this.#readError = null;
  }

  /** @returns whether there is something new to tell */
  callAccepted(query: URLSearchParams): boolean {
    const error = readErrorIn(query.get('message') ?? '', this.#inputs);
    if (error !== null) this.#readError = error;
    const duration = numberOf(query.get('duration'));
    this.#duration ??= duration;
    return this.#progressAccepted(query) || duration !== null || error !== null;
  }

  #progressAccepted(query: URLSearchParams): boolean {
    const progress = numberOf(query.get('progress'));
    if (progress === null) return false;
    this.#progress = progress;
    this.#speed = numberOf(query.get('speed'));
    return true;
  }

  /** @returns whether there is something new to tell */
  documentAccepted(text: string): boolean {
    const announcedBefore = this.#announced;
    if (text.includes('<MPD')) {
      this.#announced = Math.max(this.#announced, this.#segmentsOf(text));
    } else {
      // A row that begins with # is of a segment that is still being written.
      const rows = text.split('\n').filter((row) => row.trim() !== '' && !row.startsWith('#'));
      this.#announced = Math.max(this.#announced, rows.length);
    }
    return this.#announced !== announcedBefore;
  }

  /** The window of a live MPD moves on, so its last number counts, from the first that ever stood there. */
  #segmentsOf(manifest: string): number {
    const template = /<SegmentTemplate\b[^>]*>[\s\S]*?<\/SegmentTemplate>/.exec(manifest)?.[0] ?? '';
    const start = Number(/\bstartNumber="(\d+)"/.exec(template)?.[1] ?? 1);
    const listed = [...template.matchAll(/<S\b[^>]*>/g)].reduce((sum, [segment]) => {
      return sum + 1 + Number(/\br="(\d+)"/.exec(segment)?.[1] ?? 0);
    }, 0);
    // No manifest has that many, and no message could say it.
    if (!Number.isSafeInteger(start + listed)) return 0;
    this.#firstSegment ??= start;
    return start + listed - this.#firstSegment;
  }
}

function numberOf(text: string | null): number | null {
  const number = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}
