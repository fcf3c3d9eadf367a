import { fastify, LogController } from 'fastify';
import { httpAddress, listenOn } from '#shared/listening.ts';
import type { Exposition } from '#shared/metrics.ts';
import type { Check } from '#shared/protocol/check.ts';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  checks(): readonly Check[];
  metrics(): Promise<Exposition>;
}

/** /health, /ready and /metrics. */
export async function serveHealth({ host, port, checks, metrics }: HealthOptions) {
  const app = fastify({
    forceCloseConnections: true,
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.get('/health', () => 'Healthy');
  app.get('/ready', (_request, reply) => {
    const found = checks();
    const ready = found.every(({ ok, blocking }) => ok || !blocking);
    reply.status(ready ? 200 : 503);
    return { ready, checks: found };
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.type(contentType).send(text);
  });
  await listenOn(host, (address) => app.listen({ host: address, port }));
  return { address: httpAddress(app.server), close: () => app.close() };
}
