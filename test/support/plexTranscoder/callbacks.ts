import { connect, type Socket } from 'node:net';

/** A relay that hangs must not keep the process for ever; the genuine transcoder has no limit that anybody found. */
const TIMEOUT_MS = 10_000;

const HURRIED_TIMEOUT_MS = 500;

/**
 * The transcoder's requests to PMS: one at a time, in order, and whatever goes wrong with one is ignored. Speaks HTTP by
 * itself, because PMS answers with two Content-Length headers, which node:http refuses to read.
 */
export class Callbacks {
  readonly #token: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #timeoutMs = TIMEOUT_MS;
  #socket: Socket | null = null;

  constructor(token: string | undefined) {
    this.#token = token;
  }

  /** After a signal nothing is waited for that does not come at once. */
  hurry(): void {
    this.#timeoutMs = HURRIED_TIMEOUT_MS;
    this.#socket?.setTimeout(HURRIED_TIMEOUT_MS);
  }

  put(url: string): Promise<string> {
    return this.#next(() => this.#request('PUT', url, null));
  }

  post(url: string, body: string): Promise<string> {
    return this.#next(() => this.#request('POST', url, body));
  }

  #next(request: () => Promise<string>): Promise<string> {
    const reply = this.#last.then(request);
    this.#last = reply;
    return reply;
  }

  /** Resolves to the reply with its head, or to '' when there was none. */
  #request(method: string, address: string, body: string | null): Promise<string> {
    const url = URL.parse(address);
    if (!url) return Promise.resolve('');
    const head = [
      `${method} ${url.pathname}${url.search} HTTP/1.1`,
      'User-Agent: Lavf/60.16.100',
      'Accept: */*',
      'Range: bytes=0-',
      'Connection: close',
      `Host: ${url.host}`,
      'Icy-MetaData: 1',
      ...(this.#token === undefined ? [] : [`X-Plex-Token: ${this.#token}`]),
      body === null ? 'Content-Length: 0' : 'Transfer-Encoding: chunked',
    ].join('\r\n');
    return new Promise((resolve) => {
      let reply = '';
      const socket = connect({ host: url.hostname.replaceAll(/[[\]]/g, ''), port: Number(url.port || 80) });
      this.#socket = socket;
      socket.setTimeout(this.#timeoutMs, () => socket.destroy());
      socket.setEncoding('utf8');
      socket.on('data', (text: string) => {
        reply += text;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        resolve(reply);
      });
      socket.write(`${head}\r\n\r\n${body === null ? '' : chunked(body)}`);
    });
  }
}

function chunked(body: string): string {
  const length = Buffer.byteLength(body);
  return `${length === 0 ? '' : `${length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`;
}
