import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * A connection to PMS, which repeats Content-Length in its replies: Node refuses that even when it is told to be lenient.
 * Drops repetitions that say the same; what contradicts itself is passed on, and refused. Written out, because Node's own
 * ways to put a filter into a socket take longer than all the rest of a callback.
 */
class ConnectionToPms extends Duplex {
  readonly #socket: Socket;
  #head: Buffer = Buffer.alloc(0);
  #inBody = false;
  #hasEnded = false;

  constructor(port: number) {
    super();
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk: Buffer) => {
      const passed = this.#inBody ? chunk : this.#singled(chunk);
      if (passed.length > 0 && !this.push(passed)) this.#socket.pause();
    });
    this.#socket.on('end', () => {
      this.#hasEnded = true;
      if (this.#head.length > 0) this.push(this.#head);
      this.push(null);
    });
    this.#socket.on('error', (error) => this.destroy(error));
    // After its end there may still be something to read here.
    this.#socket.on('close', () => {
      if (!this.#hasEnded) this.destroy();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // PMS has closed already, and with that this side.
    if (this.#socket.writableEnded) done();
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #singled(chunk: Buffer): Buffer {
    this.#head = Buffer.concat([this.#head, chunk]);
    const passed: Buffer[] = [];
    for (
      let end = this.#head.indexOf(HEAD_END);
      end !== -1 && !this.#inBody;
      end = this.#head.indexOf(HEAD_END)
    ) {
      const head = this.#head.subarray(0, end).toString('latin1');
      // After an interim reply (100 Continue) another head follows.
      this.#inBody = !/^HTTP\/1\.\d 1\d\d/.test(head);
      passed.push(Buffer.from(withoutRepetition(head) + HEAD_END, 'latin1'));
      this.#head = this.#head.subarray(end + HEAD_END.length);
    }
    if (this.#inBody || this.#head.length > MAX_HEAD_BYTES) {
      this.#inBody = true;
      passed.push(this.#head);
      this.#head = Buffer.alloc(0);
    }
    return Buffer.concat(passed);
  }
}

function withoutRepetition(head: string): string {
  const seen = new Set<string>();
  return head
    .split('\r\n')
    .filter((line) => {
      if (!/^content-length:/i.test(line)) return true;
      const length = line.toLowerCase().replace(/\s/g, '');
      return !seen.has(length) && seen.add(length);
    })
    .join('\r\n');
}

/** Whose replies are such that Node reads them. */
export function connectionToPms(port: number): Duplex {
  return new ConnectionToPms(port);
}

/**
 * Begins a request to PMS on this host, on a connection of its own.
 *
 * @param body in place of the incoming one; with it the request is sent
 */
export function requestToPms(
  port: number,
  incoming: IncomingMessage,
  path: string,
  body?: Buffer,
): ClientRequest {
  const upstream = request({
    method: incoming.method ?? 'GET',
    path,
    headers: forwardedHeaders(incoming, port, body),
    createConnection: () => connectionToPms(port),
  });
  if (body) upstream.end(body);
  return upstream;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/**
 * PMS refuses a Host that is not its own. A body without length is said to be chunked: Node does that only for methods
 * that usually have a body, and writes the others' behind the head, where PMS would read it as a request of its own.
 */
function forwardedHeaders({ headers, rawHeaders }: IncomingMessage, port: number, body?: Buffer): string[] {
  const isChunked = headers['transfer-encoding'] !== undefined;
  const length = body
    ? ['Content-Length', String(body.length)]
    : isChunked
      ? ['Transfer-Encoding', 'chunked']
      : [];
  return [
    ...endToEnd(rawHeaders, (name) => name !== 'host' && !(body && name === 'content-length')),
    ...length,
    'Host',
    `127.0.0.1:${port}`,
    'Connection',
    'close',
  ];
}

/** The headers that concern the two ends, as name and value in turn. */
export function endToEnd(
  rawHeaders: readonly string[],
  keeps: (name: string) => boolean = () => true,
): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase()) && keeps(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
