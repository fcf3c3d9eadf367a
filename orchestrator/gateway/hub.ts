import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '#shared/clock.ts';
import { coerceError } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import type { ChannelHandlers } from '#shared/protocol/channel.ts';
import type { CloseName } from '#shared/protocol/closeCodes.ts';
import { MISSED_HEARTBEATS } from '#shared/protocol/link.ts';
import type { Message, Output, Received, Submit } from '#shared/protocol/messages.ts';
import type { AttemptRecord } from '#shared/protocol/record.ts';
import { type ConnectionId, outputAttempt } from '../core/model.ts';
import type { Driver, Performer } from '../driver.ts';
import type { Leadership } from '../leader/leadership.ts';
import type { Records } from '../records.ts';
import {
  type RelayChannel,
  RelaySession,
  type Session,
  type WorkerChannel,
  WorkerSession,
} from './session.ts';

const HELLO_DEADLINE_MS = 3_000;
/** For news that nobody waits for. */
const CAN_WAIT_MS = 50;

export interface HubOptions {
  readonly driver: Driver;
  readonly leadership: Leadership;
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What people may want to see of attempts. */
  readonly records: Pick<Records, 'given' | 'told' | 'said'>;
}

/** All connections: turns what arrives into events of the core, and the core's effects into messages. */
export class Hub implements Performer {
  readonly #options: HubOptions;
  readonly #instance = randomUUID();
  readonly #sessions = new Map<ConnectionId, Session>();
  readonly #due = new Set<Session>();
  readonly #waiting = new Set<Session>();
  #lastConnection = 0;
  #closing = false;

  constructor(options: HubOptions) {
    this.#options = options;
    options.driver.performWith(this);
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** A worker connected. */
  acceptWorker(open: (handlers: ChannelHandlers<'workerToOrchestrator'>) => WorkerChannel): void {
    const connection = this.#nextConnection();
    const { driver } = this.#options;
    const greeting = this.#expectHello(connection);
    const channel = open({
      message: (message) => {
        this.#guarded(connection, () => {
          if (!greeting.accepts(message)) return;
          if (message.type === 'hello') driver.handle({ type: 'worker-hello', connection, hello: message });
          else if (message.type === 'state') {
            driver.handle({ type: 'worker-state', connection, state: message });
          } else if (message.type === 'output') this.#passOutput(connection, message);
          else this.#keepRecord(connection, message);
        });
      },
      heard: () => driver.heard(connection),
      closed: (code, reason) => this.#closed(connection, greeting, code, reason),
    });
    this.#sessions.set(connection, new WorkerSession(channel, driver.cluster, this.#term));
  }

  /** A relay connected. */
  acceptRelay(open: (handlers: ChannelHandlers<'relayToOrchestrator'>) => RelayChannel): void {
    const connection = this.#nextConnection();
    const { driver } = this.#options;
    const greeting = this.#expectHello(connection);
    const channel = open({
      message: (message) => {
        this.#guarded(connection, () => {
          if (!greeting.accepts(message)) return;
          if (message.type === 'hello') driver.handle({ type: 'relay-hello', connection, hello: message });
          else if (message.type === 'received') this.#passReceived(connection, message);
          else {
            driver.handle({ type: 'relay-message', connection, message });
            if (message.type === 'submit') this.#keepGiven(message);
          }
        });
      },
      heard: () => driver.heard(connection),
      closed: (code, reason) => this.#closed(connection, greeting, code, reason),
    });
    this.#sessions.set(connection, new RelaySession(channel, this.#term));
  }

  /** Closes every connection with a code that says: come back at once, to me or to another. */
  close(code: 'shutting-down' | 'not-leader' = 'shutting-down'): void {
    this.#closing = true;
    const reason = code === 'not-leader' ? 'it does not lead any more' : 'the orchestrator is stopping';
    for (const session of [...this.#sessions.values()]) session.channel.close(code, reason);
  }

  perform(effect: Parameters<Performer['perform']>[0]): void {
    if (effect.type === 'contract-changed') {
      for (const session of this.#sessions.values()) {
        if (session.kind === 'worker' && session.contractChanged()) this.#flushLater(session);
      }
      return;
    }
    const session = this.#sessions.get(effect.connection);
    if (!session) return;
    switch (effect.type) {
      case 'welcome':
        session.channel.send({
          type: 'welcome',
          orchestrator: this.#instance,
          term: this.#term,
          heartbeatMs: Math.max(1, Math.floor(this.#options.silenceMs / MISSED_HEARTBEATS)),
        });
        break;
      case 'tell-worker':
        if (session.kind === 'worker') session.tell(effect.worker);
        if (effect.canWait) this.#flushSometime(session);
        else this.#flushLater(session);
        break;
      case 'tell-relay':
        if (session.kind === 'relay') session.tell(effect.job);
        this.#flushLater(session);
        break;
      case 'close':
        this.#options.logger.warn({ code: effect.code, reason: effect.reason }, 'closing a connection');
        session.channel.close(effect.code, effect.reason);
        break;
    }
  }

  get #term(): number {
    return this.#options.leadership.term;
  }

  #flushLater(session: Session): void {
    if (this.#due.size === 0) this.#options.clock.soon(() => this.#flush());
    this.#due.add(session);
  }

  /** At a high rate of jobs the next one takes it along. */
  #flushSometime(session: Session): void {
    if (this.#waiting.size === 0) {
      this.#options.clock.after(CAN_WAIT_MS, () => {
        for (const each of this.#waiting) this.#flushLater(each);
        this.#waiting.clear();
      });
    }
    this.#waiting.add(session);
  }

  #flush(): void {
    // A peer that turns out too slow ends its jobs, which is news for others: that is the next flush's.
    const due = [...this.#due];
    this.#due.clear();
    // It stood still for so long that another leads now, and is about to notice.
    if (!this.#options.leadership.leads) return;
    for (const session of due) session.flush();
  }

  #nextConnection(): ConnectionId {
    this.#lastConnection += 1;
    return this.#lastConnection;
  }

  /** `hello` comes first, in time, and once. */
  #expectHello(connection: ConnectionId): Greeting {
    const closeWith = (code: CloseName, reason: string): void => {
      this.#sessions.get(connection)?.channel.close(code, reason);
    };
    // Let go once it has done its work: it would be memory of every connection.
    let deadline: Timer | null = this.#options.clock.after(HELLO_DEADLINE_MS, () => {
      closeWith('hello-timeout', `no hello within ${HELLO_DEADLINE_MS} ms`);
    });
    const cancel = (): void => {
      deadline?.cancel();
      deadline = null;
    };
    let greeted = false;
    return {
      accepts({ type }) {
        if ((type === 'hello') === greeted) {
          closeWith('out-of-order', greeted ? 'a second hello' : `${type} before hello`);
          return false;
        }
        greeted = true;
        cancel();
        return true;
      },
      cancel,
    };
  }

  /** A defect of ours must not take the other connections with it. */
  #guarded(connection: ConnectionId, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      this.#options.logger.error({ err: coerceError(error), connection }, 'a message could not be handled');
      this.#sessions.get(connection)?.channel.close('internal', 'internal error');
    }
  }

  #closed(connection: ConnectionId, greeting: Greeting, code: number, reason: string): void {
    greeting.cancel();
    this.#sessions.delete(connection);
    this.#options.logger.debug({ connection, code, reason }, 'connection closed');
    if (!this.#closing) this.#options.driver.handle({ type: 'disconnected', connection });
  }

  /** Output does not pass the core, which only knows where it comes from and where it goes. */
  #passOutput(connection: ConnectionId, output: Output): void {
    const job = this.#options.driver.cluster.jobs.get(output.jobId);
    const attempt = job && outputAttempt(job);
    if (attempt?.number !== output.attempt || !job?.holder) return;
    const worker = this.#options.driver.cluster.workers.get(attempt.worker);
    const relay = this.#sessions.get(job.holder);
    if (worker?.connection !== connection || relay?.kind !== 'relay') return;
    relay.channel.send(output);
    this.#options.records.said(attempt, output);
  }

  #keepRecord(connection: ConnectionId, record: AttemptRecord): void {
    const session = this.#sessions.get(connection);
    const attempt = session?.kind === 'worker' ? session.attempt(record.jobId) : undefined;
    if (attempt?.number === record.attempt) this.#options.records.told(attempt, record);
  }

  #keepGiven({ job: { jobId }, given }: Submit): void {
    const job = this.#options.driver.cluster.jobs.get(jobId);
    if (job && given) this.#options.records.given(job, given);
  }

  #passReceived(connection: ConnectionId, received: Received): void {
    const job = this.#options.driver.cluster.jobs.get(received.jobId);
    const attempt = job && outputAttempt(job);
    if (job?.holder !== connection || attempt?.number !== received.attempt) return;
    const worker = this.#options.driver.cluster.workers.get(attempt.worker);
    const session = worker?.connection ? this.#sessions.get(worker.connection) : undefined;
    if (session?.kind === 'worker') session.received(received);
  }
}

interface Greeting {
  accepts(message: Message<'workerToOrchestrator'> | Message<'relayToOrchestrator'>): boolean;
  cancel(): void;
}
