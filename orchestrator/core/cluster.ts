import { assertNever } from '#shared/errors.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Desired, Status } from '#shared/protocol/messages.ts';
import type { ContractMount, SharedMount } from '#shared/protocol/storage.ts';
import { letGoOrphan } from './attempts.ts';
import { contractOf } from './contract.ts';
import { dispatch, queueTimedOut, whyNotPlaced } from './dispatch.ts';
import { drain, handBack, isHeld, isToGo, scaled } from './drain.ts';
import type { Effect } from './effects.ts';
import type { EncoderBudget } from './encoderBudget.ts';
import type { ClusterEvent } from './events.ts';
import { enqueue, release, requestEnd } from './lifecycle.ts';
import { type ConnectionId, type Job, jobState, type Relay, type Worker } from './model.ts';
import type { IsHeld } from './ordinals.ts';
import { endQuarantine } from './quarantine.ts';
import type { QueueGroup } from './queue.ts';
import { relayDisconnected, relayHello, relayMessage } from './relays.ts';
import { settleDoubt } from './retries.ts';
import type { CoreSettings } from './settings.ts';
import { moveStalled, moveStill } from './stalls.ts';
import { CoreState, type Due } from './state.ts';
import { workerDisconnected, workerGone, workerHello, workerState } from './workers.ts';

/**
 * The heart: a synchronous state machine without clock, sockets or chance, so that it can be simulated for millions of
 * steps. Events go in with the time at which they happened; effects come out, in the order in which to carry them out.
 * All times are milliseconds of one monotonic clock.
 */
export class Cluster {
  readonly #core: CoreState;

  constructor(settings: CoreSettings, now: number) {
    this.#core = new CoreState(settings, now);
  }

  handle(event: ClusterEvent, now: number): readonly Effect[] {
    const core = this.#core;
    core.now = Math.max(core.now, now);
    this.#takeDue();
    this.#apply(event);
    dispatch(core);
    return core.takeEffects();
  }

  /** When `tick` has something to do; null while there is nothing to wait for. */
  get nextDeadline(): number | null {
    return this.#core.deadlines.next;
  }

  /** The peer is alive. */
  heard(connection: ConnectionId, now: number): void {
    const peer = this.#core.peers.get(connection);
    if (peer) peer.lastHeard = now;
  }

  get workers(): ReadonlyMap<string, Worker> {
    return this.#core.workers;
  }

  get relays(): readonly Relay[] {
    return [...this.#core.peers.values()].flatMap((peer) => (peer.kind === 'relay' ? [peer.relay] : []));
  }

  /** Live jobs, and ended ones that their relay has not yet released. */
  get jobs(): ReadonlyMap<string, Job> {
    return this.#core.jobs;
  }

  get history(): ReadonlyMap<string, Job> {
    return this.#core.history;
  }

  get encoders(): Pick<EncoderBudget, 'used' | 'limit' | 'cardOf'> {
    return this.#core.encoders;
  }

  get queued(): number {
    return this.#core.queue.size;
  }

  /** Who waits for a worker, by what they need of it. */
  get waiting(): Iterable<QueueGroup> {
    return this.#core.queue.groups;
  }

  /** Whether it runs what nobody could take who is left when these go. */
  readonly isHeld: IsHeld = (worker, leaving, taken) => isHeld(this.#core, worker, leaving, taken);

  /** It ran before this orchestrator started, and waits for its worker to say so. */
  isRecovering(job: Job): boolean {
    return this.#core.recovering.has(job);
  }

  whyWaiting(job: Job): string {
    return this.isRecovering(job)
      ? 'it ran before the orchestrator started, and waits for its worker to say so'
      : whyNotPlaced(this.#core, job)[1];
  }

  /** The job's command, as long as the job is live: what a worker needs to start it. */
  spec(jobId: string): JobSpec | null {
    return this.#core.jobs.get(jobId)?.spec ?? null;
  }

  /** What each relay says that PMS shares. */
  get contracts(): ReadonlyMap<string, readonly SharedMount[]> {
    return this.#core.contracts;
  }

  /** What PMS shares, as this worker is to know it. */
  contract(worker: Worker): ContractMount[] {
    return contractOf(this.#core, worker);
  }

  #apply(event: ClusterEvent): void {
    const core = this.#core;
    switch (event.type) {
      case 'worker-hello':
        workerHello(core, event.connection, event.hello);
        this.#watchSilence(event.connection);
        break;
      case 'relay-hello':
        relayHello(core, event.connection, event.hello);
        this.#watchSilence(event.connection);
        break;
      case 'worker-state': {
        const peer = core.peers.get(event.connection);
        if (peer?.kind === 'worker') workerState(core, peer.worker, event.state);
        break;
      }
      case 'relay-message': {
        const peer = core.peers.get(event.connection);
        if (peer?.kind === 'relay') relayMessage(core, peer.relay, event.message);
        break;
      }
      case 'disconnected':
        this.#disconnected(event.connection);
        break;
      case 'cancel': {
        const job = core.jobs.get(event.jobId);
        if (job) requestEnd(core, job, event.signal);
        break;
      }
      case 'drain': {
        const worker = core.workers.get(event.worker);
        if (worker) drain(core, worker, event.drained);
        break;
      }
      case 'elected':
        core.recover();
        break;
      case 'scaled':
        scaled(core, event.groups, event.leaving);
        break;
      case 'tick':
        break;
      default:
        assertNever(event);
    }
  }

  #disconnected(connection: ConnectionId): void {
    const core = this.#core;
    const peer = core.peers.get(connection);
    core.deadlines.cancel(`silent:${connection}`);
    if (!peer) return;
    core.peers.delete(connection);
    if (peer.kind === 'worker') workerDisconnected(core, peer.worker);
    else relayDisconnected(core, peer.relay);
  }

  /** One deadline a connection, moved on only when it fires: hearing from a peer must cost next to nothing. */
  #watchSilence(connection: ConnectionId): void {
    const core = this.#core;
    const peer = core.peers.get(connection);
    if (!peer) return;
    core.deadlines.set(`silent:${connection}`, peer.lastHeard + core.settings.silenceMs, {
      type: 'silent',
      connection,
    });
  }

  #takeDue(): void {
    const core = this.#core;
    for (let due = core.deadlines.take(core.now); due; due = core.deadlines.take(core.now))
      this.#fallDue(due);
  }

  #fallDue(due: Due): void {
    const core = this.#core;
    switch (due.type) {
      case 'queue-timeout': {
        const job = core.jobs.get(due.jobId);
        if (job && jobState(job) === 'queued') queueTimedOut(core, job);
        break;
      }
      case 'unheld': {
        const job = core.jobs.get(due.jobId);
        if (job?.holder === null) release(core, job);
        break;
      }
      case 'orphaned': {
        const orphan = core.orphans.get(due.jobId);
        if (orphan) letGoOrphan(core, orphan);
        break;
      }
      case 'doubted': {
        const job = core.jobs.get(due.jobId);
        if (job) settleDoubt(core, job);
        break;
      }
      case 'worker-gone': {
        const worker = core.workers.get(due.worker);
        if (worker?.connection === null) workerGone(core, worker, 'it did not come back in time');
        break;
      }
      case 'stalled': {
        const worker = core.workers.get(due.worker);
        if (worker) moveStalled(core, worker);
        break;
      }
      case 'still': {
        const job = core.jobs.get(due.jobId);
        if (job) moveStill(core, job);
        break;
      }
      case 'drain-over': {
        const worker = core.workers.get(due.worker);
        if (worker && isToGo(worker)) handBack(core, worker, () => true);
        break;
      }
      case 'quarantine-over': {
        const worker = core.workers.get(due.worker);
        if (worker) endQuarantine(core, worker);
        break;
      }
      case 'silent':
        this.#silent(due.connection);
        break;
      case 'missed': {
        const job = core.jobs.get(due.jobId);
        if (job && core.recovering.has(job)) enqueue(core, job, 'its worker did not come back');
        break;
      }
      case 'recovered':
        // The dispatch that follows gives up what nobody can take.
        break;
      default:
        assertNever(due);
    }
  }

  #silent(connection: ConnectionId): void {
    const core = this.#core;
    const peer = core.peers.get(connection);
    if (!peer) return;
    if (core.now - peer.lastHeard < core.settings.silenceMs) {
      this.#watchSilence(connection);
      return;
    }
    core.emit({ type: 'close', connection, code: 'silent', reason: 'nothing was heard for too long' });
    this.#disconnected(connection);
  }
}

/** The worker's whole list, as it stands now. */
export function desiredOf(worker: Worker): Omit<Desired, 'term'> {
  const attempts = [...worker.attempts.values()].map(({ jobId, number, end, handBack }) => {
    return { jobId, attempt: number, end, handBack };
  });
  return { type: 'desired', revision: worker.revision, attempts };
}

/** The whole state of a job, as its relay wants to know it. */
export function statusOf(job: Job): Omit<Status, 'term'> {
  return {
    type: 'status',
    jobId: job.spec.jobId,
    state: jobState(job),
    attempt: job.lastAttempt,
    worker: job.current?.worker ?? null,
    outcome: job.outcome,
  };
}
