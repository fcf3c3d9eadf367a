import type { JobSpec, Outcome } from '#shared/job.ts';
import type { Output } from '#shared/protocol/messages.ts';
import type { RelayLine } from '../hookProtocol.ts';
import { AcceptedCallbacks } from './acceptedCallbacks.ts';

/** The way back to a hook. */
export interface HookAnswers {
  send(line: RelayLine): void;
  close(): void;
}

/** A job whose hook this relay holds. */
export class HeldJob {
  readonly spec: JobSpec;
  readonly hook: HookAnswers;
  /** Paths at PMS that its transcoder may call, as prefixes. */
  readonly scopes: readonly string[];
  /** The secret in its callback addresses; null when there are no tokens. */
  readonly credential: string | null;
  readonly accepted = new AcceptedCallbacks();
  /** The highest attempt that the orchestrator has named. */
  attempt = 0;
  worker: string | null = null;
  /** PMS has accepted something since the last checkpoint. */
  checkpointDue = false;
  /** How it ended, while output is still to come. */
  outcome: Outcome | null = null;
  readonly #returned: boolean;
  /** Bytes of all attempts that were passed to the hook. */
  #delivered: number;
  #outputAttempt = 0;
  /** Where in the hook's output that attempt's begins. */
  #base = 0;

  /** @param before what its hook brings with it to a restarted relay; null when the job is new */
  constructor(
    spec: JobSpec,
    hook: HookAnswers,
    place: { readonly scopes: readonly string[]; readonly credential: string | null },
    before: { readonly received: number } | null,
  ) {
    this.spec = spec;
    this.hook = hook;
    this.scopes = place.scopes;
    this.credential = place.credential;
    this.#delivered = before?.received ?? 0;
    this.#returned = before !== null;
  }

  /** Passes output on, what is new of it. Returns the offset to go on from when something before it is missing. */
  deliver({ attempt, offset, stream, data }: Output): { missingFrom: number } | null {
    if (attempt < this.#outputAttempt) return null;
    if (attempt > this.#outputAttempt) {
      // What a hook brought with it to a restarted relay belongs to the attempt that is running.
      if (this.#outputAttempt > 0) this.#base = this.#delivered;
      this.#outputAttempt = attempt;
    }
    const bytes = Buffer.from(data, 'base64');
    const known = this.#delivered - this.#base - offset;
    if (known < 0) return { missingFrom: this.#delivered - this.#base };
    if (known >= bytes.length) return null;
    const fresh = bytes.subarray(known);
    this.hook.send({ type: 'output', stream, data: fresh.toString('base64'), offset: this.#delivered });
    this.#delivered += fresh.length;
    return null;
  }

  /** What the hook has written, as its attempt counts it; null before any attempt has written anything. */
  acknowledged(offset: number): { attempt: number; offset: number } | null {
    if (this.#outputAttempt === 0 || offset < this.#base) return null;
    return { attempt: this.#outputAttempt, offset: offset - this.#base };
  }

  /** Whether a worker may be running it, whatever this relay has heard. */
  get mayRunElsewhere(): boolean {
    return this.#returned || this.attempt > 0;
  }

  /** Whether the hook was passed everything that the job's last attempt has written. */
  get isDelivered(): boolean {
    const expected = this.outcome?.outputBytes ?? 0;
    if (expected === 0) return true;
    const current = this.#outputAttempt === 0 || this.#outputAttempt === this.attempt;
    return current && this.#delivered - this.#base >= expected;
  }
}
