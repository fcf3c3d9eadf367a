import { type BackoffLimits, backoffMs } from '#shared/backoff.ts';
import type { Timer } from '#shared/clock.ts';
import type { ChannelHandlers } from '#shared/protocol/channel.ts';
import { CLOSE, type CloseName, retryAfterClose } from '#shared/protocol/closeCodes.ts';
import { encodeMessage, messageReader, type Reader } from '#shared/protocol/codec.ts';
import { type LinkHandlers, type LinkPort, MISSED_HEARTBEATS, SLOW_MS } from '#shared/protocol/link.ts';
import type { Direction, Message } from '#shared/protocol/messages.ts';
import { Terms } from '#shared/protocol/terms.ts';
import { Connection, type Wire } from './connection.ts';
import type { EventLoop } from './eventLoop.ts';
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';

const RECONNECT: BackoffLimits = { firstMs: 100, lastMs: 2_000 };
const DIAL_TIMEOUT_MS = 3_000;
const BROKEN = 1006;

const READERS = {
  workerToOrchestrator: messageReader('workerToOrchestrator'),
  orchestratorToWorker: messageReader('orchestratorToWorker'),
  relayToOrchestrator: messageReader('relayToOrchestrator'),
  orchestratorToRelay: messageReader('orchestratorToRelay'),
};

interface Ends {
  worker: { in: 'orchestratorToWorker'; out: 'workerToOrchestrator' };
  relay: { in: 'orchestratorToRelay'; out: 'relayToOrchestrator' };
}
type Role = keyof Ends;

/** What a peer dials. */
export interface Server<R extends Role> {
  readonly process: SimProcess;
  accept(
    open: (handlers: ChannelHandlers<Ends[R]['out']>) => {
      send(message: Message<Ends[R]['in']>): void;
      close(name: CloseName, reason: string): void;
    },
  ): void;
}

/** The orchestrator's end of one connection. */
interface ServerEnd<R extends Role> {
  readonly process: SimProcess;
  readonly handlers: ChannelHandlers<Ends[R]['out']>;
}

export interface SimLinkOptions<R extends Role> {
  readonly role: R;
  readonly process: SimProcess;
  readonly loop: EventLoop;
  readonly random: Random;
  readonly wire: Wire;
  /** Null while there is no orchestrator. */
  readonly server: () => Server<R> | null;
  readonly handlers: LinkHandlers<R>;
  readonly violation: (text: string) => void;
}

/** A peer's link over a simulated network: what shared/protocol/link.ts does, without sockets. */
export class SimLink<R extends Role> implements LinkPort<R> {
  readonly #options: SimLinkOptions<R>;
  #connection: Connection | null = null;
  #stopped = false;
  #welcomed = false;
  #failures = 0;
  #lastHeard = 0;
  #timer: Timer | null = null;
  readonly #terms = new Terms();
  #welcomedBy = 0;
  readonly #ends = new WeakMap<Connection, ServerEnd<R>>();

  constructor(options: SimLinkOptions<R>) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#welcomed;
  }

  start(): void {
    this.#dial();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#close();
  }

  send(message: Message<Ends[R]['out']>): void {
    if (this.#welcomed) this.#push(message);
  }

  /** The machine, the cable or the other side's process is gone. */
  break(): void {
    const { wire } = this.#options;
    const connection = this.#connection;
    if (!connection) return;
    connection.up.broken = true;
    connection.down.broken = true;
    if (wire.connection === connection) wire.connection = null;
  }

  #dial(): void {
    const { process, loop, random, wire, server: find } = this.#options;
    const clock = process.clock;
    const attempt = new Connection(loop, random, wire);
    this.#connection = attempt;
    this.#timer = clock.after(DIAL_TIMEOUT_MS, () => this.#down(attempt, BROKEN));
    attempt.up.push(() => {
      const server = find();
      if (!server) {
        attempt.down.push(() => process.run(() => this.#down(attempt, BROKEN)));
        return;
      }
      server.process.run(() => {
        server.accept((handlers) => {
          this.#ends.set(attempt, { process: server.process, handlers });
          return this.#serverEnd(attempt, handlers);
        });
        if (this.#connection === attempt) wire.connection = attempt;
        attempt.down.push(() => process.run(() => this.#greet(attempt)));
      });
    });
  }

  /** What the orchestrator holds of this connection. */
  #serverEnd(connection: Connection, handlers: ChannelHandlers<Ends[R]['out']>) {
    const { process, violation, role } = this.#options;
    const reader: Reader<Direction> =
      READERS[role === 'worker' ? 'orchestratorToWorker' : 'orchestratorToRelay'];
    return {
      send: (message: Message<Ends[R]['in']>): void => {
        if (!connection.serverOpen) return;
        const text = encodeMessage<Direction>(message);
        connection.down.push(() => {
          process.run(() => {
            if (this.#connection !== connection || !connection.clientOpen) return;
            this.#lastHeard = process.clock.now();
            const result = reader.read(text);
            if ('problem' in result) violation(`the orchestrator sent ${result.problem}`);
            else this.#onMessage(connection, message);
          });
        });
      },
      close: (name: CloseName, reason: string): void => {
        if (!connection.serverOpen) return;
        connection.serverOpen = false;
        const { code } = CLOSE[name];
        connection.down.push(() => process.run(() => this.#down(connection, code)));
        handlers.closed(code, reason);
      },
    };
  }

  #greet(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#lastHeard = this.#options.process.clock.now();
    this.#push(this.#options.handlers.hello());
  }

  #onMessage(connection: Connection, message: Message<Ends[R]['in']>): void {
    const { handlers, process } = this.#options;
    if ('term' in message && !this.#terms.accepts(message.term, process.clock.now())) {
      this.#close();
      this.#down(connection, CLOSE['out-of-order'].code);
      return;
    }
    if (message.type === 'welcome') {
      const { role, violation } = this.#options;
      // A deposed one lasts for less long than its term is remembered.
      if (message.term < this.#welcomedBy)
        violation(`a ${role} obeys term ${message.term} after ${this.#welcomedBy}`);
      this.#welcomedBy = message.term;
      this.#failures = 0;
      this.#welcomed = true;
      this.#timer?.cancel();
      this.#beat(connection, message.heartbeatMs);
    }
    if (this.#welcomed && process.alive) handlers.message(message);
  }

  #beat(connection: Connection, heartbeatMs: number): void {
    const { process } = this.#options;
    this.#timer = process.clock.after(heartbeatMs, () => {
      if (this.#connection !== connection) return;
      if (process.clock.now() - this.#lastHeard >= heartbeatMs * MISSED_HEARTBEATS) {
        this.#close();
        this.#down(connection, CLOSE.silent.code);
        return;
      }
      const end = this.#ends.get(connection);
      connection.up.push(() => {
        end?.process.run(() => {
          if (!connection.serverOpen) return;
          end.handlers.heard();
          connection.down.push(() => {
            process.run(() => {
              if (this.#connection === connection) this.#lastHeard = process.clock.now();
            });
          });
        });
      });
      this.#beat(connection, heartbeatMs);
    });
  }

  #push(message: Message<Ends[R]['out']>): void {
    const connection = this.#connection;
    const end = connection && this.#ends.get(connection);
    if (!connection || !end) return;
    const { role, violation } = this.#options;
    const reader: Reader<Direction> =
      READERS[role === 'worker' ? 'workerToOrchestrator' : 'relayToOrchestrator'];
    const text = encodeMessage<Direction>(message);
    connection.up.push(() => {
      end.process.run(() => {
        if (!connection.serverOpen) return;
        const result = reader.read(text);
        if ('problem' in result) {
          violation(`the ${role} sent ${result.problem}`);
          return;
        }
        end.handlers.heard();
        end.handlers.message(message);
      });
    });
  }

  /** This end closes; the other hears of it unless the way is cut. */
  #close(): void {
    const connection = this.#connection;
    if (!connection) return;
    connection.clientOpen = false;
    connection.up.push(() => {
      const end = this.#ends.get(connection);
      end?.process.run(() => {
        if (!connection.serverOpen) return;
        connection.serverOpen = false;
        end.handlers.closed(CLOSE.normal.code, '');
      });
    });
  }

  #down(connection: Connection, code: number): void {
    if (this.#connection !== connection || this.#stopped) return;
    const { process, random, handlers, wire } = this.#options;
    this.#connection = null;
    connection.clientOpen = false;
    if (wire.connection === connection) wire.connection = null;
    this.#timer?.cancel();
    const wasUp = this.#welcomed;
    this.#welcomed = false;
    const retry = retryAfterClose(code);
    const delay =
      retry === 'slow'
        ? SLOW_MS
        : backoffMs(retry === 'at-once' ? 0 : this.#failures, random.next(), RECONNECT);
    this.#failures += 1;
    this.#timer = process.clock.after(delay, () => this.#dial());
    if (!wasUp) return;
    this.#terms.lost(process.clock.now());
    handlers.lost('down');
  }

  /** Both ends learn that the connection broke, each in its own time; beyond a partition only silence tells. */
  cut(): void {
    const connection = this.#connection;
    const { loop, random, process, wire } = this.#options;
    if (!connection) return;
    const end = this.#ends.get(connection);
    this.break();
    const [toClient, toServer] = [random.next() * 50, random.next() * 50];
    if (!wire.blocks('down'))
      loop.at(loop.now + toClient, () => process.run(() => this.#down(connection, BROKEN)));
    if (wire.blocks('up')) return;
    loop.at(loop.now + toServer, () => {
      end?.process.run(() => {
        if (!connection.serverOpen) return;
        connection.serverOpen = false;
        end.handlers.closed(BROKEN, '');
      });
    });
  }

  /** A partition has healed. */
  unblocked(): void {
    this.#connection?.up.unblocked();
    this.#connection?.down.unblocked();
  }
}
