import type { SharedMount } from '#shared/protocol/storage.ts';
import { Candidates } from './candidates.ts';
import { Deadlines } from './deadlines.ts';
import type { Effect } from './effects.ts';
import { EncoderBudget } from './encoderBudget.ts';
import type { Attempt, ConnectionId, Job, Relay, Worker } from './model.ts';
import { Queue } from './queue.ts';
import type { CoreSettings } from './settings.ts';
import { SharedWords } from './sharedWords.ts';
import { strategyKeys } from './strategies.ts';

/** What a deadline is about. */
export type Due =
  | { readonly type: 'queue-timeout'; readonly jobId: string }
  | { readonly type: 'unheld'; readonly jobId: string }
  | { readonly type: 'orphaned'; readonly jobId: string }
  | { readonly type: 'doubted'; readonly jobId: string }
  | { readonly type: 'stalled'; readonly worker: string }
  | { readonly type: 'still'; readonly jobId: string }
  | { readonly type: 'drain-over'; readonly worker: string }
  | { readonly type: 'quarantine-over'; readonly worker: string }
  | { readonly type: 'worker-gone'; readonly worker: string }
  | { readonly type: 'silent'; readonly connection: ConnectionId }
  | { readonly type: 'missed'; readonly jobId: string }
  | { readonly type: 'recovered' };

export type Peer = {
  lastHeard: number;
} & (
  | { readonly kind: 'worker'; readonly worker: Worker }
  | { readonly kind: 'relay'; readonly relay: Relay }
);

/** All that the orchestrator knows. The modules of the core change it; nobody else may. */
export class CoreState {
  readonly settings: CoreSettings;
  /** The time of the event that is being handled. */
  now: number;
  readonly peers = new Map<ConnectionId, Peer>();
  readonly workers = new Map<string, Worker>();
  /** What PMS shares, by the name of its relay. */
  readonly contracts = new Map<string, readonly SharedMount[]>();
  /** Names of the workers that an operator drained: whoever comes back under such a name stays drained. */
  readonly drained = new Set<string>();
  /** Groups of workers that are scaled, and the workers of them that are to go, with the time since when. */
  scaledGroups: ReadonlySet<string> = new Set();
  leaving: ReadonlyMap<string, number> = new Map();
  /** Not yet ended, or ended and not yet released by their relay. */
  readonly jobs = new Map<string, Job>();
  /** Ended and released; the oldest is dropped first. */
  readonly history = new Map<string, Job>();
  /** Attempts that workers run for jobs that no relay has submitted: the highest of each job. */
  readonly orphans = new Map<string, Attempt>();
  readonly queue = new Queue();
  /** Jobs that ran before this orchestrator started, and wait for their workers to say so. */
  readonly recovering = new Set<Job>();
  readonly deadlines = new Deadlines<Due>();
  readonly candidates: Candidates;
  readonly encoders = new EncoderBudget();
  readonly words = new SharedWords();
  /** Until then workers and jobs of before a restart may still be on their way. */
  recoversAt = 0;
  sequence = 0;
  #effects: Effect[] = [];

  constructor(settings: CoreSettings, now: number) {
    this.settings = settings;
    this.now = now;
    this.candidates = new Candidates(strategyKeys[settings.strategy]);
    this.recover();
  }

  /** Whoever ran for the orchestrator before this one may come now. */
  recover(): void {
    this.recoversAt = this.now + this.settings.recoveryWindowMs;
    this.deadlines.set('recovered', this.recoversAt, { type: 'recovered' });
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /**
   * The worker's list has changed: number it anew and send it, and reconsider where the worker stands.
   *
   * @param canWait whether it only names less of what has ended
   */
  changedList(worker: Worker, canWait = false): void {
    worker.revision += 1;
    this.candidates.update(worker);
    if (worker.connection !== null) {
      this.emit({ type: 'tell-worker', connection: worker.connection, worker, canWait });
    }
  }
}
