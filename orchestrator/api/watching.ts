import { Type } from 'typebox';
import { TimelinesView } from '#shared/api/schemas.ts';
import type { App } from './app.ts';
import type { Subscription } from './changes.ts';
import type { RouteOptions } from './routes.ts';

/** The routes of who looks on: events as they come, and what the last hours were like. */
export function addWatching(app: App, options: RouteOptions): void {
  addTimelines(app, options);
  addEvents(app, options);
}

function addTimelines(app: App, { timelines }: RouteOptions): void {
  app.get(
    '/api/v1/timelines',
    {
      schema: {
        tags: ['events'],
        summary: 'What the last six hours looked like, every 10 s',
        response: { 200: TimelinesView },
      },
    },
    () => timelines.view(),
  );
}

function addEvents(app: App, { driver, views, scaling, changes }: RouteOptions): void {
  app.get(
    '/api/v1/events',
    {
      sse: { kind: 'only', serializer: serialised },
      schema: {
        tags: ['events'],
        summary: 'Server-sent events: job, worker, worker-gone, scale',
        produces: ['text/event-stream'],
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) => {
      const subscription: Subscription = changes.subscribe();
      reply.sse.onClose(() => changes.unsubscribe(subscription));
      // Who comes late is told everything first: after that, changes are enough. The scale, which there always is,
      // also says at once that the stream stands.
      subscription.push({ event: 'scale', key: 'scale', data: scaling.view() });
      for (const worker of driver.cluster.workers.values()) {
        subscription.push({ event: 'worker', key: worker.name, data: views.workerSummary(worker) });
      }
      for (const job of driver.cluster.jobs.values()) {
        subscription.push({ event: 'job', key: job.spec.jobId, data: views.job(job) });
      }
      await reply.sse.send(messages(subscription));
    },
  );
}

async function* messages(subscription: Subscription): AsyncGenerator<{ event: string; data: object }> {
  for await (const { event, data } of subscription) yield { event, data };
}

const texts = new WeakMap<object, string>();

/** Written once for all who watch. */
function serialised(data: unknown): string {
  if (typeof data !== 'object' || data === null) return JSON.stringify(data);
  const text = texts.get(data) ?? JSON.stringify(data);
  texts.set(data, text);
  return text;
}
