import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Direction, type Message, SUBPROTOCOL } from '#shared/protocol/messages.ts';
import type { Tokens } from '../../orchestrator/config.ts';
import { Cluster } from '../../orchestrator/core/cluster.ts';
import { Driver } from '../../orchestrator/driver.ts';
import { Gateway } from '../../orchestrator/gateway/gateway.ts';
import { ALWAYS_LEADS } from '../../orchestrator/leader/leadership.ts';
import { Records } from '../../orchestrator/records.ts';
import { SETTINGS, workerHello } from '../unit/core/world.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

export const TOKENS: Tokens = { relay: 'relay-token', worker: 'worker-token', admin: 'admin-token' };

interface Dial {
  readonly token?: string | null;
  readonly protocols?: string[];
}

/** A gateway on a real server, with a clock that stands still, until the test has finished. */
export class GatewayHarness {
  readonly clock = new FakeClock();
  readonly driver = new Driver(new Cluster(SETTINGS, 0), this.clock);
  readonly records = new Records(this.driver.cluster);
  readonly gateway: Gateway;
  readonly server = createServer((_, response) => response.end('http'));
  readonly logged: string[] = [];

  constructor(tokens: Tokens) {
    const logger = pino({ level: 'debug' }, { write: (line: string) => this.logged.push(line) });
    const { driver, clock } = this;
    const { records } = this;
    this.gateway = new Gateway({
      ...{ driver, leadership: ALWAYS_LEADS, tokens, silenceMs: SETTINGS.silenceMs, clock, logger, records },
    });
    this.gateway.attach(this.server);
  }

  static async start(tokens: Tokens = TOKENS): Promise<GatewayHarness> {
    const harness = new GatewayHarness(tokens);
    harness.server.listen(0, '127.0.0.1');
    await once(harness.server, 'listening');
    harness.clock.advance(SETTINGS.recoveryWindowMs);
    onTestFinished(async () => {
      await harness.gateway.close();
      harness.server.close();
      harness.server.closeAllConnections();
    });
    return harness;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    return address.port;
  }

  dial(path: string, { token = null, protocols = [SUBPROTOCOL] }: Dial): WebSocket {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    return new WebSocket(`ws://127.0.0.1:${this.port}${path}`, protocols, { headers });
  }

  /** The HTTP status with which the upgrade was answered: 101 when there is a socket. */
  async upgradeStatus(path: string, dial: Dial): Promise<number> {
    const socket = this.dial(path, dial);
    return new Promise((resolve, reject) => {
      socket.on('open', () => {
        socket.terminate();
        resolve(101);
      });
      socket.on('unexpected-response', (_, response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      });
      socket.on('error', reject);
    });
  }

  async worker(name: string, fields: Parameters<typeof workerHello>[1] = {}): Promise<WorkerPeer> {
    const peer = await this.stranger('worker');
    peer.send(workerHello(name, fields));
    await peer.next('desired');
    return peer;
  }

  async relay(name = 'relay', instance = `${name}-process`): Promise<RelayPeer> {
    const peer = await this.stranger('relay');
    peer.send({ type: 'hello', version: '1', name, instance, serial: 0, jobs: [] });
    await peer.next('welcome');
    return peer;
  }

  stranger(role: 'worker'): Promise<WorkerPeer>;
  stranger(role: 'relay'): Promise<RelayPeer>;
  async stranger(role: 'worker' | 'relay'): Promise<Peer<Direction, Direction>> {
    const peer = new Peer<Direction, Direction>(this.dial(`/ws/${role}`, { token: TOKENS[role] }));
    await once(peer.socket, 'open');
    return peer;
  }
}

export type WorkerPeer = Peer<'workerToOrchestrator', 'orchestratorToWorker'>;
export type RelayPeer = Peer<'relayToOrchestrator', 'orchestratorToRelay'>;

/** A client that keeps what it receives, and does nothing by itself. */
export class Peer<Out extends Direction, In extends Direction> {
  readonly socket: WebSocket;
  readonly received: Message<In>[] = [];
  /** Code and reason of the close frame, once there was one. */
  closed: string | null = null;
  #read = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.received.push(JSON.parse(data.toString())));
    socket.on('close', (code, reason) => {
      this.closed = `${code} ${reason}`.trim();
    });
    socket.on('error', () => {});
  }

  send(message: Message<Out>): void {
    this.socket.send(JSON.stringify(message));
  }

  types(): string[] {
    return this.received.map(({ type }) => type);
  }

  /** The next message of the type that was not waited for before; others are passed over. */
  async next<T extends Message<In>['type']>(type: T): Promise<Extract<Message<In>, { type: T }>> {
    const isWanted = (message: Message<In>): message is Extract<Message<In>, { type: T }> => {
      return message.type === type;
    };
    let found: Extract<Message<In>, { type: T }> | undefined;
    await until(() => {
      const rest = this.received.slice(this.#read);
      found = rest.find(isWanted);
      if (found) this.#read += rest.indexOf(found) + 1;
      return found !== undefined;
    }, `a ${type}`);
    if (!found) throw new Error(`no ${type}`);
    return found;
  }

  async end(): Promise<string> {
    await until(() => this.closed !== null, 'the end of the connection');
    return this.closed ?? '';
  }
}

/** Waits for something that a message on its way will make true. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  await vi.waitFor(
    () => {
      if (!condition()) throw new Error(`waited in vain for ${what}`);
    },
    { timeout: 10_000, interval: 1 },
  );
}
