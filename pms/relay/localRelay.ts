import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { pipeline, type Readable, type Writable } from 'node:stream';
import type { Clock } from '#shared/clock.ts';
import { coerceError, systemErrorCode } from '#shared/errors.ts';
import { httpAddress, listenOn } from '#shared/listening.ts';
import type { Logger } from '#shared/logger.ts';
import { type Admission, admit } from './admission.ts';
import type { Presence } from './announced/presence.ts';
import type { HeldJob } from './heldJob.ts';
import { endToEnd, requestToPms } from './upstream.ts';

/** A manifest of a long film has some 100 KB; a list of its rows less. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** Replies to progress are one element of XML. */
const MAX_REPLY = 64 * 1024;

/** A transcoder calls every second; a log should not say so every second. */
const WARN_EVERY_MS = 60_000;

/** Manifests and segment lists: what tells PMS that there are files. */
const ANNOUNCEMENT = /^[^?]*\/(manifest|seglist)(\?|$)/;

const LOOK_AGAIN_MS = 50;

export interface LocalRelayOptions {
  readonly pmsPort: number;
  readonly needsCredential: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly presence: Presence;
  /** Until then hooks of a relay before this one may be on their way, by the clock. */
  readonly hooksReturnBy: number;
  held(): Iterable<HeldJob>;
  /** PMS has accepted something of the job. */
  accepted(job: HeldJob): void;
  /** A transcoder has called, or has got its answer. */
  called(job: HeldJob): void;
  /** PMS has accepted a manifest or list. */
  announced(job: HeldJob): void;
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

  /** Right after a restart a transcoder may find this relay before its hook does, and would say what nobody joins. */
  async #admitted(url: string): Promise<Admission> {
    const { held, needsCredential, clock, hooksReturnBy } = this.#options;
    for (;;) {
      const admission = admit(url, held(), needsCredential);
      const isDecided = 'refusal' in admission ? admission.refusal === 404 : admission.job !== null;
      if (isDecided || clock.now() >= hooksReturnBy) return admission;
      await new Promise<void>((resolve) => void clock.after(LOOK_AGAIN_MS, resolve));
    }
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pmsPort } = this.#options;
    const admission = await this.#admitted(request.url ?? '/');
    if ('refusal' in admission) {
      response.writeHead(admission.refusal).end();
      request.resume();
      return;
    }
    const { path, job } = admission;
    if (job) this.#count(job, response);
    const isAnnouncement = request.method === 'POST' && ANNOUNCEMENT.test(path);
    const document = job && isAnnouncement ? await documentIn(request) : null;
    if (job && document !== null) {
      await job.announcements.inTurn(() => this.#announce({ request, response, path, job }, document));
      return;
    }
    const upstream = requestToPms(pmsPort, request, path);
    response.once('close', () => upstream.destroy());
    // PMS may reply, and close, before it has read everything: that is an answer, not a failure.
    passOn(request, upstream).catch((error: unknown) => upstream.destroy(coerceError(error)));
    const reply = await replyTo(upstream);
    const query = queryOf(path);
    if (job && query.has('progress')) this.#readThrottle(job, reply);
    if (job && isSuccess(reply) && job.accepted.callAccepted(query)) this.#options.accepted(job);
    await passBack(reply, response);
  }

  /** A transcoder does nothing until its call is answered. */
  #count(job: HeldJob, response: ServerResponse): void {
    const { called } = this.#options;
    job.calls += 1;
    called(job);
    response.once('close', () => {
      job.calls -= 1;
      called(job);
    });
  }

  /** It waits until a reply to its progress asks it no longer to. */
  #readThrottle(job: HeldJob, reply: IncomingMessage): void {
    let text = '';
    reply.on('data', (data: Buffer) => {
      text = (text + data.toString('latin1')).slice(-MAX_REPLY);
    });
    reply.once('end', () => {
      job.throttled = text.includes('canThrottle');
    });
  }

  /** Tells PMS of files when they are there, and of what a second attempt writes as of more of the same. */
  async #announce({ request, response, path, job }: Callback, document: string): Promise<void> {
    const { pmsPort, logger, presence, accepted, announced } = this.#options;
    const { jobId, cwd } = job.spec;
    const joined = job.announcements.join(document);
    if (joined.problem !== null) logger.warn({ jobId, problem: joined.problem }, 'PMS is not told of it');
    if (joined.document === null) {
      response.writeHead(200).end();
      return;
    }
    const missing = await presence.waitFor(cwd, job.announcements.newFiles(joined.document));
    if (missing.length > 0)
      logger.warn({ jobId, missing }, 'announced files are not there, PMS is told all the same');
    // The transcoder does not read the reply, and may be gone: PMS is told in any case.
    const upstream = requestToPms(pmsPort, request, path, Buffer.from(joined.document));
    const reply = await replyTo(upstream);
    if (isSuccess(reply)) {
      job.announcements.accepted(joined.document, job.accepted.duration);
      job.accepted.documentAccepted(joined.document);
      announced(job);
      accepted(job);
    }
    await passBack(reply, response);
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

interface Callback {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly job: HeldJob;
}

/** @throws Error when it is longer than any manifest */
async function documentIn(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > MAX_DOCUMENT_BYTES) throw new Error(`a manifest of more than ${MAX_DOCUMENT_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function replyTo(upstream: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once('response', resolve);
    upstream.once('error', reject);
  });
}

function isSuccess({ statusCode = 502 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function queryOf(path: string): URLSearchParams {
  return new URLSearchParams(path.replace(/^[^?]*\??/s, ''));
}

async function passBack(reply: IncomingMessage, response: ServerResponse): Promise<void> {
  const { statusCode = 502, statusMessage = '', rawHeaders } = reply;
  response.writeHead(statusCode, statusMessage, endToEnd(rawHeaders));
  await passOn(reply, response);
}

/** As `node:stream/promises` does, without its AbortController, which costs as much as all the rest of a small call. */
function passOn(from: Readable, to: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    pipeline(from, to, (error) => (error ? reject(error) : resolve()));
  });
}
