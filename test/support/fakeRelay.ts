import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  encodeLine,
  type HookLine,
  type JobLine,
  lineReader,
  type RelayLine,
} from '../../pms/hookProtocol.ts';

const reader = lineReader('hookToRelay');

/** The relay's end of the socket, moved by hand. Every line that a hook sends is checked against its schema. */
export class FakeRelay {
  readonly #server: Server;
  readonly #connections = new Queue<RelayConnection>();
  readonly #sockets = new Set<Socket>();
  /** How many hooks have connected. */
  accepted = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.accepted += 1;
      this.#sockets.add(socket);
      this.#connections.push(new RelayConnection(socket));
    });
  }

  static async listen(path: string): Promise<FakeRelay> {
    const server = createServer();
    const relay = new FakeRelay(server);
    server.listen(path);
    await once(server, 'listening');
    return relay;
  }

  /** The next connection that nobody asked for yet. */
  connection(): Promise<RelayConnection> {
    return this.#connections.next();
  }

  /** The next job and its connection, accepted. */
  async job(): Promise<{ job: JobLine; connection: RelayConnection }> {
    const connection = await this.connection();
    const job = await connection.job();
    connection.send({ type: 'accepted' });
    return { job, connection };
  }

  /** Goes away with all its connections, and takes the socket's file along. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export class RelayConnection {
  readonly #socket: Socket;
  readonly #lines = new Queue<HookLine>();
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    let partial = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      const [first = '', ...others] = chunk.split('\n');
      partial += first;
      for (const piece of others) {
        const result = reader.read(partial);
        if ('problem' in result) this.#lines.fail(new Error(result.problem));
        else this.#lines.push(result.message);
        partial = piece;
      }
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#lines.fail(new Error('the hook has closed the connection'));
        resolve();
      });
    });
  }

  line(): Promise<HookLine> {
    return this.#lines.next();
  }

  async job(): Promise<JobLine> {
    const line = await this.line();
    if (line.type !== 'job') throw new Error(`${line.type} came before the job`);
    return line;
  }

  send(line: RelayLine): void {
    this.#socket.write(encodeLine(line));
  }

  output(stream: 'stdout' | 'stderr', bytes: Buffer, offset: number): void {
    this.send({ type: 'output', stream, data: bytes.toString('base64'), offset, cursor: '1 0 1' });
  }

  /** Waits until the hook says that it has written so much. */
  async received(offset: number): Promise<void> {
    for (;;) {
      const line = await this.line();
      if (line.type === 'received' && line.offset >= offset) return;
    }
  }

  sendRaw(text: string): void {
    this.#socket.write(text);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

class Queue<T> {
  readonly #items: T[] = [];
  readonly #waiting: { resolve(item: T): void; reject(error: Error): void }[] = [];
  #failure: Error | null = null;

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(item);
    else this.#items.push(item);
  }

  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}
