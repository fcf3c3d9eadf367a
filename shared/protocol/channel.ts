import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { CLOSE, type CloseName } from './closeCodes.ts';
import { encodeMessage, type Reader } from './codec.ts';
import { type Direction, MAX_MESSAGE_BYTES, type Message } from './messages.ts';

/** Bytes that may wait to be sent to one peer. Above it the peer is too slow, and holding on would cost us our memory. */
const MAX_UNSENT_BYTES = 2 * MAX_MESSAGE_BYTES;

/** A close frame's reason may hold 123 bytes. */
const MAX_REASON_BYTES = 123;

export interface ChannelHandlers<In extends Direction> {
  message(message: Message<In>): void;
  /** Something arrived, if only a ping: the peer lives. */
  heard(): void;
  /** Called exactly once, and nothing is called after it. */
  closed(code: number, reason: string): void;
}

/** One WebSocket as typed messages: checks what arrives, bounds what waits to leave, and ends exactly once. */
export class Channel<In extends Direction, Out extends Direction> {
  readonly #socket: WebSocket;
  readonly #reader: Reader<In>;
  readonly #handlers: ChannelHandlers<In>;
  readonly #wire: Duplex | null;
  #open = true;
  #isCorked = false;
  #socketError: string | null = null;

  /** @param wire what the socket's frames go over: those of one turn then leave together, in one call of the system */
  constructor(
    socket: WebSocket,
    reader: Reader<In>,
    handlers: ChannelHandlers<In>,
    wire: Duplex | null = null,
  ) {
    this.#socket = socket;
    this.#wire = wire;
    this.#reader = reader;
    this.#handlers = handlers;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('ping', () => this.#onHeard());
    socket.on('pong', () => this.#onHeard());
    // ws closes the socket itself after an error (a frame over the limit: 1009); the close event follows.
    socket.on('error', (error) => {
      this.#socketError = error.message;
    });
    socket.on('close', (code, reason) => this.#end(code, reason.toString() || this.#socketError || ''));
  }

  get open(): boolean {
    return this.#open;
  }

  send(message: Message<Out>): void {
    if (!this.#open) return;
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) {
      this.close('too-slow', `more than ${MAX_UNSENT_BYTES} bytes wait to be sent`);
      return;
    }
    this.#cork();
    this.#socket.send(encodeMessage<Out>(message));
  }

  #cork(): void {
    const wire = this.#wire;
    if (!wire || this.#isCorked) return;
    this.#isCorked = true;
    wire.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      wire.uncork();
    });
  }

  ping(): void {
    if (this.#open) this.#socket.ping();
  }

  close(name: CloseName, reason: string): void {
    if (!this.#open) return;
    const { code } = CLOSE[name];
    this.#socket.close(code, shorten(reason));
    // A peer that reads nothing would never see the close frame behind its backlog.
    if (name === 'too-slow' || name === 'silent') this.#socket.terminate();
    this.#end(code, reason);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!this.#open) return;
    if (isBinary) {
      this.close('bad-message', 'binary frame: messages are JSON text');
      return;
    }
    const result = this.#reader.read(data.toString());
    if ('problem' in result) {
      this.close('bad-message', result.problem);
      return;
    }
    this.#handlers.heard();
    this.#handlers.message(result.message);
  }

  #onHeard(): void {
    if (this.#open) this.#handlers.heard();
  }

  #end(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#handlers.closed(code, reason);
  }
}

function shorten(reason: string): string {
  let short = reason;
  while (Buffer.byteLength(short) > MAX_REASON_BYTES) short = short.slice(0, -1);
  return short;
}
