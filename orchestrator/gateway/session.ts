import type { CloseName } from '#shared/protocol/closeCodes.ts';
import type { Direction, Message, Received } from '#shared/protocol/messages.ts';
import { type Cluster, desiredOf, statusOf } from '../core/cluster.ts';
import type { Attempt, Job, Worker } from '../core/model.ts';

/** The way to a peer. */
interface Outlet<Out extends Direction> {
  send(message: Message<Out>): void;
  close(name: CloseName, reason: string): void;
}
export type WorkerChannel = Outlet<'orchestratorToWorker'>;
export type RelayChannel = Outlet<'orchestratorToRelay'>;

/** A connection on which the peer has said who it is, or may still do so. */
export type Session = WorkerSession | RelaySession;

/**
 * What the orchestrator has yet to say on one connection. Telling is put together at the end of the turn, so that a
 * burst of changes to one list is one message.
 */
export class WorkerSession {
  readonly kind = 'worker';
  readonly channel: WorkerChannel;
  readonly #cluster: Cluster;
  /** Attempts whose jobs this connection has carried. */
  #sent = new Set<Attempt>();
  #due: Worker | null = null;
  #worker: Worker | null = null;
  readonly #term: number;
  #isContractDue = true;
  /** What it was told last of what PMS shares. */
  #contract = '[]';

  /** @param term of this orchestrator's leadership, which every list names */
  constructor(channel: WorkerChannel, cluster: Cluster, term: number) {
    this.channel = channel;
    this.#cluster = cluster;
    this.#term = term;
  }

  tell(worker: Worker): void {
    this.#due = worker;
    this.#worker = worker;
  }

  /** What it should run of that job. */
  attempt(jobId: string): Attempt | undefined {
    return this.#worker?.attempts.get(jobId);
  }

  /** @returns whether there is somebody to tell */
  contractChanged(): boolean {
    this.#isContractDue = true;
    return this.#worker !== null;
  }

  flush(): void {
    this.#flushContract();
    const worker = this.#due;
    if (!worker) return;
    this.#due = null;
    const attempts = new Set(worker.attempts.values());
    for (const attempt of attempts) {
      // An attempt that is past preparing, or that came with the worker's hello, is known there.
      if (attempt.phase !== 'preparing' || this.#sent.has(attempt)) continue;
      const job = this.#cluster.spec(attempt.jobId);
      const { resume, software, encoder } = attempt;
      const gpu = this.#cluster.encoders.cardOf(attempt);
      if (job) this.channel.send({ type: 'job', job, resume, software, encoder, gpu });
    }
    this.#sent = attempts;
    this.channel.send({ ...desiredOf(worker), term: this.#term });
  }

  #flushContract(): void {
    if (!this.#isContractDue || !this.#worker) return;
    this.#isContractDue = false;
    const mounts = this.#cluster.contract(this.#worker);
    const contract = JSON.stringify(mounts);
    if (contract === this.#contract) return;
    this.#contract = contract;
    this.channel.send({ type: 'contract', mounts });
  }

  received(message: Received): void {
    this.channel.send(message);
  }
}

export class RelaySession {
  readonly kind = 'relay';
  readonly channel: RelayChannel;
  readonly #due = new Set<Job>();
  readonly #term: number;

  constructor(channel: RelayChannel, term: number) {
    this.channel = channel;
    this.#term = term;
  }

  tell(job: Job): void {
    this.#due.add(job);
  }

  flush(): void {
    for (const job of this.#due) this.channel.send({ ...statusOf(job), term: this.#term });
    this.#due.clear();
  }
}
