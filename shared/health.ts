import { fastify, LogController } from 'fastify';
import { httpAddress, listenOn } from './listening.ts';
import type { Exposition } from './metrics.ts';
import type { Check } from './protocol/check.ts';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  checks(): readonly Check[];
  metrics(): Promise<Exposition>;
  /** What else /ready says. */
  more?(): Readonly<Record<string, string | null | undefined>>;
}

/** /health, /ready and /metrics. */
export async function serveHealth({ host, port, checks, metrics, more }: HealthOptions) {
  const app = fastify({
    forceCloseConnections: true,
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.get('/health', () => 'Healthy');
  app.get('/ready', (_request, reply) => {
    const found = checks();
    const ready = found.every(({ ok, blocking }) => ok || !blocking);
    reply.status(ready ? 200 : 503);
    return { ready, checks: found, ...more?.() };
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.type(contentType).send(text);
  });
  await listenOn(host, (address) => app.listen({ host: address, port }));
  return { address: httpAddress(app.server), close: () => app.close() };
}
