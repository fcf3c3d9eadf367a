import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeLibrary } from './fakeLibrary.ts';

/** What goes wrong with a file, each time or only the first. */
export type Fault = 'absent' | 'error' | 'reset' | 'truncated' | 'cut short' | 'slow' | 'silent' | 'page';

export interface CodecServer {
  readonly url: string;
  /** How often each codec was asked for. */
  readonly asked: ReadonlyMap<string, number>;
  /** The most that were being answered at once. */
  readonly mostAtOnce: number;
  close(): Promise<void>;
}

/** Plex's download service for codecs, with faults. */
export async function serveCodecs(options: {
  readonly latencyMs?: number;
  /** `user:password`, without which nobody gets anything. */
  readonly credentials?: string;
  /** Nothing is answered before. */
  readonly gate?: Promise<void>;
  fault?(codec: string, time: number): Fault | null;
}): Promise<CodecServer> {
  const asked = new Map<string, number>();
  let atOnce = 0;
  let mostAtOnce = 0;
  const server = createServer((request, response) => {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    response.once('close', () => {
      atOnce -= 1;
    });
    const { credentials } = options;
    if (credentials !== undefined && !isAllowed(request, credentials)) {
      response.writeHead(401).end();
      return;
    }
    const codec = basename(request.url ?? '', '.so');
    const time = asked.get(codec) ?? 0;
    asked.set(codec, time + 1);
    const fault = options.fault?.(codec, time) ?? null;
    void Promise.all([sleep(options.latencyMs ?? 0), options.gate]).then(() =>
      answer(request, response, codec, fault),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/codecs`,
    asked,
    get mostAtOnce() {
      return mostAtOnce;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whether it has these, as HTTP's Basic authentication wants them. */
export function isAllowed({ headers }: IncomingMessage, credentials: string): boolean {
  return headers.authorization === `Basic ${Buffer.from(credentials).toString('base64')}`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  codec: string,
  fault: Fault | null,
): Promise<void> {
  const body = fakeLibrary(codec);
  const half = body.subarray(0, body.length / 2);
  switch (fault) {
    case 'absent':
      response.writeHead(404).end();
      return;
    case 'error':
      response.writeHead(503).end();
      return;
    case 'page':
      response.end('<html>Please sign in</html>');
      return;
    case 'reset':
      response.writeHead(200, { 'content-length': body.length });
      response.write(half, () => request.socket.resetAndDestroy());
      return;
    case 'truncated':
      response.writeHead(200, { 'content-length': body.length });
      response.write(half, () => response.destroy());
      return;
    case 'cut short':
      // Chunked, so that nothing but the file itself tells that there should be more.
      response.write(half, () => response.end());
      return;
    case 'slow':
      response.writeHead(200, { 'content-length': body.length });
      response.write(half);
      await sleep(150);
      response.end(body.subarray(half.length));
      return;
    case 'silent':
      response.writeHead(200, { 'content-length': body.length });
      response.write(half);
      return;
    case null:
      response.writeHead(200, { 'content-length': body.length });
      response.end(body);
  }
}
