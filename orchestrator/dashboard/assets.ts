import { Worker } from 'node:worker_threads';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '#shared/errors.ts';
import type { App } from '../api/app.ts';

/** A file as browsers get it, in each encoding that they may ask for. */
export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array;
  readonly br: Uint8Array;
  readonly gzip: Uint8Array;
}

export interface Assets {
  /** By the path after `/assets/`; the page itself is ''. */
  readonly files: ReadonlyMap<string, Asset>;
  /** The Content-Security-Policy of the page. */
  readonly policy: string;
}

/** Serves the dashboard's page and what it loads. */
export function addDashboard(app: App): void {
  let made: Promise<Assets> | null = null;
  const assets = (): Promise<Assets> => {
    made ??= makeAssets().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };

  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    const { files, policy } = await assets();
    reply.header('content-security-policy', policy).header('referrer-policy', 'no-referrer');
    return send(files.get(''), request, reply);
  });
  app.get<{ Params: { '*': string } }>('/assets/*', { schema: { hide: true } }, async (request, reply) => {
    const { files } = await assets();
    return send(request.params['*'] === '' ? undefined : files.get(request.params['*']), request, reply);
  });
}

function send(asset: Asset | undefined, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!asset) throw new CodedError('not-found', `there is no ${request.url}`, 'GET / is the dashboard');
  const { 'accept-encoding': accepted = '', 'if-none-match': known } = request.headers;
  const encoding = (['br', 'gzip'] as const).find((name) => String(accepted).includes(name));
  reply
    .header('cache-control', 'no-cache')
    .header('etag', asset.etag)
    .header('vary', 'accept-encoding')
    .header('x-content-type-options', 'nosniff');
  if (known === asset.etag) return reply.status(304).send();
  if (encoding) reply.header('content-encoding', encoding);
  return reply.type(asset.type).send(Buffer.from(asset[encoding ?? 'plain']));
}

/** In a thread, when somebody looks for the first time: the loop of this one decides where jobs run. */
function makeAssets(): Promise<Assets> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('assemble.ts', import.meta.url), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.unref();
  });
}
