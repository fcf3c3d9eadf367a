import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '#shared/clock.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { httpAddress, listenOn } from '#shared/listening.ts';
import type { Logger } from '#shared/logger.ts';
import { admit } from './admission.ts';
import type { HeldJob } from './heldJob.ts';
import { endToEnd, requestToPms } from './upstream.ts';

/** A manifest of a long film has some 100 KB; a list of its rows less. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** A transcoder calls every second; a log should not say so every second. */
const WARN_EVERY_MS = 60_000;

export interface LocalRelayOptions {
  readonly pmsPort: number;
  readonly needsCredential: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  held(): Iterable<HeldJob>;
  /** PMS has accepted something of the job. */
  accepted(job: HeldJob): void;
}

/** Passes the transcoders' callbacks on to PMS and its replies back, and remembers what PMS accepted. */
export class LocalRelay {
  readonly #options: LocalRelayOptions;
  readonly #server: Server;
  #warnAt = Number.NEGATIVE_INFINITY;

  constructor(options: LocalRelayOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#pass(request, response).catch((error: unknown) =>
        this.#fail(request, response, coerceError(error)),
      );
    });
    // A live-TV input streams for hours.
    this.#server.requestTimeout = 0;
  }

  async listen(host: string, port: number): Promise<URL> {
    const listen = (address: string): Promise<void> => {
      return new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, address, () => resolve());
      });
    };
    await listenOn(host, listen, 'LOCAL_RELAY_PORT');
    return new URL(httpAddress(this.#server));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pmsPort, needsCredential, held } = this.#options;
    const admission = admit(request.url ?? '/', held(), needsCredential);
    if ('refusal' in admission) {
      response.writeHead(admission.refusal).end();
      request.resume();
      return;
    }
    const { path, job } = admission;
    const upstream = requestToPms(pmsPort, request, path);
    const replied = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve);
      upstream.once('error', reject);
    });
    response.once('close', () => upstream.destroy());
    const document = job && request.method === 'POST' ? new Document(request) : null;
    // PMS may reply, and close, before it has read everything: that is an answer, not a failure.
    pipeline(request, upstream).catch((error: unknown) => upstream.destroy(coerceError(error)));
    const reply = await replied;
    const { statusCode = 502, statusMessage = '' } = reply;
    if (job && statusCode >= 200 && statusCode < 300) this.#remember(job, path, document);
    response.writeHead(statusCode, statusMessage, endToEnd(reply.rawHeaders));
    await pipeline(reply, response);
  }

  #remember(job: HeldJob, path: string, document: Document | null): void {
    const query = new URLSearchParams(path.replace(/^[^?]*\??/s, ''));
    const text = document?.text ?? null;
    const news = text === null ? job.accepted.progressAccepted(query) : job.accepted.documentAccepted(text);
    if (news) this.#options.accepted(job);
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: Error): void {
    this.#options.logger.debug({ err: error, method: request.method }, 'a callback could not be passed on');
    const absent = systemErrorCode(error) === 'ECONNREFUSED';
    if (absent) this.#warnOfAbsence();
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const why = absent ? 'PMS does not answer' : 'what PMS answered could not be passed on';
    response.writeHead(502, { 'Content-Type': 'text/plain' }).end(`${why}\n`);
  }

  #warnOfAbsence(): void {
    const { clock, logger, pmsPort } = this.#options;
    if (clock.now() < this.#warnAt) return;
    this.#warnAt = clock.now() + WARN_EVERY_MS;
    logger.warn(`PMS does not answer at 127.0.0.1:${pmsPort} (PMS_PORT)`);
  }
}

/** The body of a request, kept while it streams past; null when it is too long, or no document at all. */
class Document {
  readonly #parts: Buffer[] = [];
  #length = 0;

  constructor(request: IncomingMessage) {
    request.on('data', (part: Buffer) => {
      this.#length += part.length;
      if (this.#length <= MAX_DOCUMENT_BYTES) this.#parts.push(part);
      else this.#parts.length = 0;
    });
  }

  get text(): string | null {
    if (this.#length === 0 || this.#length > MAX_DOCUMENT_BYTES) return null;
    return Buffer.concat(this.#parts).toString('utf8');
  }
}
