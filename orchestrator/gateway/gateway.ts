import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '#shared/logger.ts';
import { Channel } from '#shared/protocol/channel.ts';
import { messageReader } from '#shared/protocol/codec.ts';
import { MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#shared/protocol/messages.ts';
import { TRIAL_HEADER } from '#shared/protocol/trial.ts';
import type { Tokens } from '../config.ts';
import type { Leadership } from '../leader/leadership.ts';
import { Hub, type HubOptions } from './hub.ts';
import { Refusals } from './refusals.ts';
import { type Admission, admit } from './upgrade.ts';

const CLOSE_TIMEOUT_MS = 1_000;

const workerReader = messageReader('workerToOrchestrator');
const relayReader = messageReader('relayToOrchestrator');

export interface GatewayOptions extends HubOptions {
  readonly tokens: Tokens;
}

/** The WebSockets: lets in who may come in, and gives each to the hub. */
export class Gateway {
  readonly refusals: Refusals;
  readonly #tokens: Tokens;
  readonly #logger: Logger;
  readonly #hub: Hub;
  readonly #leadership: Leadership;
  readonly #server: WebSocketServer;

  constructor(options: GatewayOptions) {
    this.refusals = new Refusals(options.clock);
    this.#tokens = options.tokens;
    this.#logger = options.logger;
    this.#hub = new Hub(options);
    this.#leadership = options.leadership;
    const serverOptions = {
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: () => SUBPROTOCOL,
    };
    this.#server = new WebSocketServer(serverOptions);
  }

  /** Takes over the HTTP server's upgrades. */
  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** It lets nobody in any more. */
  get closing(): boolean {
    return this.#hub.closing;
  }

  /** Tells everybody to look for who leads now. Nothing is decided from then on. */
  resign(): void {
    this.#hub.close('not-leader');
  }

  /**
   * Closes every connection with a code that says: come back at once, to me or to another. Resolves when all have heard
   * it: to end a socket at once may cost its peer the code. One that does not answer is ended after a second.
   */
  async close(): Promise<void> {
    this.#hub.close();
    await Promise.all([...this.#server.clients].map(closed));
    this.#server.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Nobody listens on a socket that is being refused.
    socket.on('error', () => socket.destroy());
    const admission = admit(request, this.#tokens);
    if (request.headers[TRIAL_HEADER] === undefined) this.#remember(admission, addressOf(request));
    const notNow = this.#notNow;
    if ('refusal' in admission || notNow !== null) {
      const refusal = 'refusal' in admission ? admission.refusal : notNow;
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#accept(webSocket, socket, admission.role);
    });
  }

  #remember(admission: Admission, address: string): void {
    if ('role' in admission) {
      this.refusals.forget({ role: admission.role, address });
    } else if (admission.peer && this.refusals.add({ ...admission.peer, address })) {
      this.#logger.warn({ ...admission.peer, address }, 'refused a connection');
    }
  }

  get #notNow(): string | null {
    if (this.#hub.closing) return '503 Service Unavailable';
    return this.#leadership.leads ? null : '421 Misdirected Request';
  }

  #accept(socket: WebSocket, wire: Duplex, role: 'relay' | 'worker'): void {
    if (role === 'worker') {
      this.#hub.acceptWorker((handlers) => new Channel(socket, workerReader, handlers, wire));
    } else {
      this.#hub.acceptRelay((handlers) => new Channel(socket, relayReader, handlers, wire));
    }
  }
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** As people write it, also where it came by a socket of IPv6. */
function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'nowhere';
}
