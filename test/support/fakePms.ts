import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { PMS_TOKEN, type PmsJob } from './retarget.ts';

const CALLBACK =
  /^\/video\/:\/transcode\/session\/([^/]+)(?:\/([^/]+))?\/(progress|manifest|seglist)(\/\w+)?$/;

/** One callback as PMS received it, and how it answered. */
export interface PmsRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The last words of the path: `progress`, `progress/stream`, `manifest`, `seglist`. Null: not a callback. */
  readonly call: string | null;
  readonly session: string | null;
  readonly job: string | null;
  readonly token: string | null;
  readonly body: string;
  readonly status: number;
}

export interface PmsExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What PMS holds of a transcoder (or hook) that it started. */
export interface PmsChild {
  readonly pid: number;
  readonly exited: Promise<PmsExit>;
  /** What came so far. */
  stdout(): Buffer;
  stderr(): Buffer;
  /** PMS stops its transcoders with SIGKILL. */
  kill(signal?: NodeJS.Signals): void;
}

/** As much of Plex Media Server as a transcoder sees: it starts one, answers its calls, and stops it. */
export class FakePms {
  readonly token: string;
  readonly requests: PmsRequest[] = [];
  /** Ask transcoders to slow down, in the replies to their progress. */
  throttle = false;
  /** What its root says of its Plex Pass; 404 while that is null. */
  plexPass: boolean | null = null;
  /** What `GET /livetv/…` answers with; 404 without one. */
  liveFile: string | null = null;

  readonly #server: Server;
  readonly #jobs = new Set<string>();
  readonly #listeners = new Set<(request: PmsRequest) => void>();
  readonly #children = new Set<ChildProcess>();

  private constructor(server: Server, token: string) {
    this.#server = server;
    this.token = token;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(token = PMS_TOKEN): Promise<FakePms> {
    const server = createServer();
    const pms = new FakePms(server, token);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return pms;
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the fake PMS is closed');
    return address.port;
  }

  /** From now on callbacks of this job are known; all others are answered with 404. */
  expect({ session, job }: Pick<PmsJob, 'session' | 'job'>): void {
    this.#jobs.add(`${session}/${job}`);
  }

  /** Starts a transcoder the way PMS does: in its session's directory, with the ids known. */
  async spawn(
    executable: string,
    job: PmsJob,
    env: Readonly<Record<string, string>> = {},
  ): Promise<PmsChild> {
    this.expect(job);
    await mkdir(job.cwd, { recursive: true });
    // biome-ignore lint/style/noProcessEnv: PMS's children inherit its environment
    const inherited = process.env;
    const child = spawn(executable, job.argv, {
      cwd: job.cwd,
      env: { ...inherited, ...job.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    this.#children.add(child);
    const exited = new Promise<PmsExit>((resolve) => {
      child.on('close', (code, signal) => {
        this.#children.delete(child);
        resolve({ code, signal });
      });
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => stderr.push(data));
    return {
      pid: child.pid ?? 0,
      exited,
      stdout: () => Buffer.concat(stdout),
      stderr: () => Buffer.concat(stderr),
      kill: (signal = 'SIGKILL') => child.kill(signal),
    };
  }

  /** The next request that matches; earlier ones don't count. */
  next(matches: (request: PmsRequest) => boolean): Promise<PmsRequest> {
    return new Promise((resolve) => {
      const listener = (request: PmsRequest): void => {
        if (!matches(request)) return;
        this.#listeners.delete(listener);
        resolve(request);
      };
      this.#listeners.add(listener);
    });
  }

  /** The body of the next MPD or segment list. */
  async nextManifest(): Promise<string> {
    return (await this.next(isManifest)).body;
  }

  /** Every request, as it is answered; returns how to stop listening. */
  onRequest(listener: (request: PmsRequest) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Percent, as each progress report comes; returns how to stop listening. */
  onProgress(listener: (percent: number, request: PmsRequest) => void): () => void {
    return this.onRequest((request) => {
      const percent = request.query.get('progress');
      if (request.status === 200 && percent !== null) listener(Number(percent), request);
    });
  }

  /** The bodies of all MPDs and segment lists that were accepted, in order. */
  get manifests(): string[] {
    return this.requests.filter(isManifest).map(({ body }) => body);
  }

  /** Kills what it started and is gone. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://pms');
    const body = await text(request);
    if (request.method === 'GET' && url.pathname.startsWith('/livetv/')) return this.#sendLive(response);
    if (request.method === 'GET' && url.pathname === '/' && this.plexPass !== null) {
      return send(response, 200, `<MediaContainer size="0" myPlexSubscription="${Number(this.plexPass)}"/>`);
    }
    const [, session = null, job = null, call = null, detail = ''] = CALLBACK.exec(url.pathname) ?? [];
    const header = request.headers['x-plex-token'];
    const token = typeof header === 'string' ? header : url.searchParams.get('X-Plex-Token');
    const seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      call: call === null ? null : `${call}${detail}`,
      session,
      job,
      token,
      body,
    };
    const status = this.#judge(seen);
    const reply = status === 200 && seen.call === 'progress' ? this.#progressReply() : '';
    const heard = { ...seen, status };
    this.requests.push(heard);
    // Before the reply, on which the transcoder goes on: a listener sees the disk as it was when PMS was told.
    for (const listener of [...this.#listeners]) listener(heard);
    send(response, status, reply);
  }

  #judge({ method, call, query, session, job, token }: Omit<PmsRequest, 'status'>): number {
    if (call === null || !this.#jobs.has(`${session}/${job ?? ''}`)) return 404;
    if (token !== this.token) return 401;
    if (call === 'manifest' || call === 'seglist') return method === 'POST' ? 200 : 404;
    if (call === 'progress/log') return method === 'POST' ? 200 : 404;
    if (method !== 'PUT') return 404;
    return query.has('status') ? 204 : 200;
  }

  #progressReply(): string {
    const attributes = this.throttle ? 'canThrottle="1"' : 'size="0"';
    return `<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer ${attributes}>\n</MediaContainer>\n`;
  }

  async #sendLive(response: ServerResponse): Promise<void> {
    if (this.liveFile === null) return send(response, 404, '');
    const length = String((await stat(this.liveFile)).size);
    response.writeHead(200, ['Content-Length', length, 'Content-Length', length]);
    await pipeline(createReadStream(this.liveFile), response);
  }
}

function isManifest({ call, status }: PmsRequest): boolean {
  return status === 200 && (call === 'manifest' || call === 'seglist');
}

/** PMS sends Content-Length twice, except where there can be no body. */
function send(response: ServerResponse, status: number, body: string): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, status === 204 ? [] : ['Content-Length', length, 'Content-Length', length]);
  response.end(body);
}
