import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import { type BackoffLimits, backoffMs } from '../backoff.ts';
import type { Clock, Timer } from '../clock.ts';
import { Channel } from './channel.ts';
import { type Retry, retryAfterClose } from './closeCodes.ts';
import { messageReader, type Reader } from './codec.ts';
import { MAX_MESSAGE_BYTES, type Message, SUBPROTOCOL } from './messages.ts';
import { Terms } from './terms.ts';

/** Heartbeats that may be missed before the other side counts as gone. */
export const MISSED_HEARTBEATS = 3;

const DIAL_TIMEOUT_MS = 3_000;
const RECONNECT: BackoffLimits = { firstMs: 100, lastMs: 2_000 };
/** WORKER_SILENCE_MS by default: who finds its own name taken, by the process before it, then finds it free. */
export const SLOW_MS = 10_000;
const SOCKET_OPTIONS = {
  handshakeTimeout: DIAL_TIMEOUT_MS,
  closeTimeout: 1_000,
  maxPayload: MAX_MESSAGE_BYTES,
  // Frames of some KB between neighbours: deflate costs more than it saves, and its state is memory per peer.
  perMessageDeflate: false,
};

/** The two roles that dial the orchestrator, and the messages of each. */
interface RoleDirections {
  worker: { in: 'orchestratorToWorker'; out: 'workerToOrchestrator' };
  relay: { in: 'orchestratorToRelay'; out: 'relayToOrchestrator' };
}
export type Role = keyof RoleDirections;
type Incoming<R extends Role> = RoleDirections[R]['in'];
type Outgoing<R extends Role> = RoleDirections[R]['out'];

const READERS: { [R in Role]: Reader<Incoming<R>> } = {
  worker: messageReader('orchestratorToWorker'),
  relay: messageReader('orchestratorToRelay'),
};

export interface LinkHandlers<R extends Role> {
  /** The first message on each new connection: the whole state of this side. */
  hello(): Message<Outgoing<R>>;
  /** `welcome` is the first one on each connection. */
  message(message: Message<Incoming<R>>): void;
  /** The connection is gone; the link is already trying to get another. */
  lost(reason: string): void;
}

export interface LinkOptions<R extends Role> {
  readonly role: R;
  /** http(s) or ws(s) address of the orchestrator. */
  readonly url: string;
  readonly token: string | null;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly handlers: LinkHandlers<R>;
}

/** What the owner of a link sees of it. */
export interface LinkPort<R extends Role> {
  readonly up: boolean;
  start(): void;
  stop(): void;
  send(message: Message<Outgoing<R>>): void;
}

/** Makes the link that an owner will use; tests make others. */
export type OpenLink<R extends Role> = (handlers: LinkHandlers<R>) => LinkPort<R>;

/**
 * One peer's connection to the orchestrator, made again for as long as the link runs.
 *
 * - *dialling*: a socket is being opened. Left by its opening, its failure or the dial timeout.
 * - *greeting*: `hello` was sent. Left by `welcome` or the end of the connection.
 * - *up*: welcomed; `send` works, heartbeats run.
 * - *waiting*: nothing is open; a timer will dial.
 * - *stopped*: for good.
 */
export class Link<R extends Role> implements LinkPort<R> {
  readonly #options: LinkOptions<R>;
  #mode: 'dialling' | 'greeting' | 'up' | 'waiting' | 'stopped' = 'waiting';
  #channel: Channel<Incoming<R>, Outgoing<R>> | null = null;
  #dialling: WebSocket | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  readonly #terms = new Terms();
  #lastHeard = 0;

  constructor(options: LinkOptions<R>) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#mode === 'up';
  }

  start(): void {
    this.#dial();
  }

  /** Says goodbye in good order; no handler is called afterwards. */
  stop(): void {
    this.#mode = 'stopped';
    this.#timer?.cancel();
    this.#dialling?.terminate();
    this.#channel?.close('normal', 'stopping');
  }

  /** Sends when the link is up, else does nothing: whoever comes back says everything again in `hello`. */
  send(message: Message<Outgoing<R>>): void {
    if (this.#mode === 'up') this.#channel?.send(message);
  }

  #dial(): void {
    const { url, role, token } = this.#options;
    this.#mode = 'dialling';
    const socket = new WebSocket(socketAddress(url, role), SUBPROTOCOL, {
      ...SOCKET_OPTIONS,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    });
    this.#dialling = socket;
    let failure: string | null = null;
    let retry: Retry = 'backoff';
    socket.on('unexpected-response', (_request, response) => {
      const { statusCode = 0, statusMessage = '' } = response;
      failure = refusal(statusCode, statusMessage);
      if (statusCode === 401 || statusCode === 400) retry = 'slow';
      response.destroy();
      socket.terminate();
    });
    // Ending a refused one is an error, too, but says nothing.
    socket.on('error', (error) => {
      failure ??= error.message;
    });
    const failed = (): void => this.#down(failure ?? 'the connection could not be opened', retry);
    socket.once('close', failed);
    socket.once('open', () => {
      socket.off('close', failed);
      this.#dialling = null;
      this.#greet(socket);
    });
  }

  #greet(socket: WebSocket): void {
    this.#mode = 'greeting';
    const { role, handlers, clock } = this.#options;
    const reader: Reader<Incoming<R>> = READERS[role];
    const channel = new Channel<Incoming<R>, Outgoing<R>>(socket, reader, {
      message: (message) => this.#onMessage(channel, message),
      heard: () => {
        this.#lastHeard = clock.now();
      },
      closed: (code, reason) => {
        this.#channel = null;
        this.#down(`closed with ${code} ${reason}`.trim(), retryAfterClose(code));
      },
    });
    this.#channel = channel;
    channel.send(handlers.hello());
    this.#timer?.cancel();
    this.#timer = clock.after(DIAL_TIMEOUT_MS, () => channel.close('silent', 'no welcome'));
  }

  #onMessage(channel: Channel<Incoming<R>, Outgoing<R>>, message: Message<Incoming<R>>): void {
    const { handlers, clock } = this.#options;
    if ('term' in message && !this.#terms.accepts(message.term, clock.now())) {
      channel.close('out-of-order', `term ${message.term} after term ${this.#terms.highest}`);
    } else if (message.type !== 'welcome') {
      if (this.#mode === 'up') handlers.message(message);
      else channel.close('out-of-order', `${message.type} before welcome`);
    } else if (this.#mode !== 'greeting') {
      channel.close('out-of-order', 'a second welcome');
    } else {
      this.#failures = 0;
      this.#mode = 'up';
      this.#options.logger.info({ orchestrator: message.orchestrator }, 'connected to the orchestrator');
      this.#beat(channel, message.heartbeatMs);
      handlers.message(message);
    }
  }

  #beat(channel: Channel<Incoming<R>, Outgoing<R>>, heartbeatMs: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    const silentAt = this.#lastHeard + heartbeatMs * MISSED_HEARTBEATS;
    // The answer to one beat comes after it: at the third beat from then on it is not quite too long ago.
    this.#timer = clock.after(Math.min(heartbeatMs, Math.ceil(silentAt - clock.now())), () => {
      if (clock.now() - this.#lastHeard >= heartbeatMs * MISSED_HEARTBEATS) {
        channel.close('silent', 'nothing was heard from the orchestrator');
        return;
      }
      channel.ping();
      this.#beat(channel, heartbeatMs);
    });
  }

  #down(reason: string, retry: Retry): void {
    this.#timer?.cancel();
    if (this.#mode === 'stopped') return;
    const wasUp = this.#mode === 'up';
    this.#mode = 'waiting';
    const { clock, random, logger, handlers } = this.#options;
    const delayMs = retryDelayMs(retry, this.#failures, random());
    this.#failures += 1;
    // The first failure is news, the rest is weather.
    const level = wasUp || this.#failures === 1 || retry === 'slow' ? 'warn' : 'debug';
    logger[level]({ reason, delayMs: Math.round(delayMs) }, 'not connected to the orchestrator');
    this.#timer = clock.after(delayMs, () => this.#dial());
    if (!wasUp) return;
    this.#terms.lost(clock.now());
    handlers.lost(reason);
  }
}

function retryDelayMs(retry: Retry, failures: number, random: number): number {
  if (retry === 'slow') return SLOW_MS;
  return backoffMs(retry === 'at-once' ? 0 : failures, random, RECONNECT);
}

function refusal(status: number, text: string): string {
  return `the connection was refused: HTTP ${status} ${text}${hintFor(status)}`;
}

function hintFor(status: number): string {
  if (status === 401) return '; is the token the orchestrator’s?';
  // Another leads, or it stops, or a proxy cannot reach it: that passes.
  if (status === 421 || status >= 500) return '';
  return '; is ORCHESTRATOR_URL the orchestrator, and of this version?';
}

function socketAddress(url: string, role: Role): URL {
  const address = new URL(url);
  address.protocol = address.protocol.replace('http', 'ws');
  address.pathname = `${address.pathname.replace(/\/$/, '')}/ws/${role}`;
  return address;
}
