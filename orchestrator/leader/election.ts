import type { Clock, Timer } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { reasonOf } from '../kubernetes.ts';
import { Elector, type ElectorSettings, type LeaseAnswer, type LeaseCall } from './elector.ts';
import type { Leadership } from './leadership.ts';

/** After that a stopping leader leaves its Lease to run out. */
const RELEASE_DEADLINE_MS = 2_000;

export interface ElectionOptions extends ElectorSettings {
  /** Rejects when there is no usable answer. */
  readonly carryOut: (call: LeaseCall, signal: AbortSignal) => Promise<LeaseAnswer>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly elected: () => void;
  /** It led, and never will again. */
  readonly deposed: (reason: string) => void;
}

/** Gives an elector its time and its answers; a request that hangs counts as failed after half the renew deadline. */
export class Election implements Leadership {
  readonly #options: ElectionOptions;
  readonly #elector: Elector;
  readonly #timeoutMs: number;
  #timer: Timer | null = null;
  #phase: 'candidate' | 'leader' | 'ended' = 'candidate';
  #failure: string | null = null;
  /** Reads that succeed don't make up for it: who may read only can't take over. */
  #isWriteFailing = false;
  #holder: string | null = null;
  #released: (() => void) | null = null;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#elector = new Elector(options, options.clock.now());
    this.#timeoutMs = options.renewDeadlineMs / 2;
  }

  get leads(): boolean {
    return this.#phase === 'leader' && this.#elector.leads(this.#options.clock.now());
  }

  get term(): number {
    return this.#elector.term;
  }

  get holder(): string | null {
    return this.#elector.holder;
  }

  get problem(): string | null {
    if (this.#isWriteFailing) return `the Lease can't be written: ${this.#failure}`;
    if (this.#elector.isInTouch(this.#options.clock.now())) return null;
    return `the Lease can't be read: ${this.#failure ?? 'it was not looked at yet'}`;
  }

  start(): void {
    this.#turn();
  }

  /** Leads no more from now on. Resolves when the Lease is free for others, or could not be given back in time. */
  async release(): Promise<void> {
    const { clock } = this.#options;
    this.#phase = 'ended';
    this.#elector.release(clock.now());
    const released = new Promise<void>((resolve) => {
      this.#released = resolve;
    });
    const deadline = clock.after(RELEASE_DEADLINE_MS, () => this.#released?.());
    this.#turn();
    await released;
    deadline.cancel();
    this.#timer?.cancel();
  }

  #turn(): void {
    const { clock, logger, elected, deposed } = this.#options;
    const now = clock.now();
    this.#timer?.cancel();
    if (this.#elector.deposed(now) && this.#phase === 'leader') {
      this.#phase = 'ended';
      const reason = this.#failure ?? `the Lease is ${this.holder ?? 'nobody'}'s`;
      logger.error({ reason, term: this.term }, 'leadership is lost');
      deposed(reason);
    } else if (this.#phase === 'candidate' && this.#elector.leads(now)) {
      this.#phase = 'leader';
      logger.info({ term: this.term, holder: this.holder }, 'this orchestrator leads');
      elected();
    }
    const call = this.#elector.next(now);
    if (call) this.#ask(call);
    if (this.#elector.isOver) this.#released?.();
    const at = this.#elector.wakeAt;
    if (at !== null) this.#timer = clock.after(Math.max(0, Math.ceil(at - now)), () => this.#turn());
  }

  #ask(call: LeaseCall): void {
    const { clock } = this.#options;
    const abort = new AbortController();
    const timer = clock.after(this.#timeoutMs, () => {
      abort.abort(new Error(`no answer within ${this.#timeoutMs} ms`));
    });
    void this.#answer(call, abort.signal).then((answer) => {
      timer.cancel();
      this.#elector.answered(answer, clock.now());
      if (answer.type !== 'failed') this.#reached(call);
      this.#tellHolder();
      this.#turn();
    });
  }

  async #answer(call: LeaseCall, signal: AbortSignal): Promise<LeaseAnswer> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const { logger } = this.#options;
    try {
      return await Promise.race([this.#options.carryOut(call, signal), aborted]);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== this.#failure) logger.warn({ reason }, 'the Lease could not be reached');
      this.#failure = reason;
      if (call.type === 'write') this.#isWriteFailing = true;
      return { type: 'failed' };
    }
  }

  #reached({ type }: LeaseCall): void {
    const { clock, logger } = this.#options;
    const isOver = !this.#isWriteFailing || type === 'write' || this.#elector.isHeldByAnother(clock.now());
    if (this.#failure === null || !isOver) return;
    logger.info('the Lease can be reached again');
    this.#failure = null;
    this.#isWriteFailing = false;
  }

  #tellHolder(): void {
    const { holder } = this;
    if (holder === this.#holder) return;
    this.#holder = holder;
    if (holder !== null && holder !== this.#options.identity)
      this.#options.logger.info({ holder }, 'standing by');
  }
}
