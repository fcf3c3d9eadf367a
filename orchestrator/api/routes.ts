import { Type } from 'typebox';
import { ErrorView, ReadyView, StorageView, type TimelinesView, WorkerView } from '#shared/api/schemas.ts';
import { CodedError } from '#shared/errors.ts';
import type { Driver } from '../driver.ts';
import type { History } from '../history/history.ts';
import type { Leadership } from '../leader/leadership.ts';
import type { Scaling } from '../scale/scaling.ts';
import type { App } from './app.ts';
import type { Changes } from './changes.ts';
import { addHistory, addJobRoutes } from './jobRoutes.ts';
import { addRecords } from './recordRoutes.ts';
import type { RecordViews } from './recordViews.ts';
import { addScale } from './scaleRoutes.ts';
import type { Views } from './views.ts';
import { addWatching } from './watching.ts';

export interface RouteOptions {
  readonly driver: Driver;
  readonly views: Views;
  readonly scaling: Scaling;
  readonly changes: Changes;
  readonly history: History;
  readonly records: RecordViews;
  readonly timelines: { view(): TimelinesView };
  readonly leadership: Leadership;
  readonly stopping: () => boolean;
  readonly metrics: () => Promise<{ contentType: string; text: string }>;
}

const NameParams = Type.Object({ name: Type.String() });

/** The routes of the contract: health, metrics, and /api/v1. */
export function addRoutes(app: App, options: RouteOptions): void {
  addProbes(app, options);
  addWorkers(app, options);
  addStorage(app, options);
  addJobRoutes(app, options);
  addRecords(app, options);
  addHistory(app, options);
  addScale(app, options);
  addWatching(app, options);
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

function addProbes(app: App, { leadership, stopping, metrics }: RouteOptions): void {
  const Text = Type.String();
  const text = { tags: ['probes'], produces: ['text/plain'], response: { 200: Text } };
  app.get('/health', { schema: { ...text, summary: 'Whether the process lives' } }, () => 'Healthy');
  app.get(
    '/ready',
    {
      schema: {
        tags: ['probes'],
        summary: 'Whether it serves, or could take over, and its role',
        response: { 200: ReadyView, 503: ReadyView },
      },
    },
    (_, reply): ReadyView => {
      const { leads, holder, problem } = leadership;
      const reason = stopping() ? 'it is stopping' : leads ? null : problem;
      reply.status(reason === null ? 200 : 503);
      return {
        ready: reason === null,
        role: leads ? 'leader' : 'standby',
        ...(holder !== null && { holder }),
        ...(reason !== null && { reason }),
      };
    },
  );
  const Leader = Type.Object({ leader: Type.Boolean() });
  app.get(
    '/leader',
    {
      schema: {
        tags: ['probes'],
        summary: '200 on the leader, 421 elsewhere',
        response: { 200: Leader, 421: ErrorView },
      },
    },
    () => ({ leader: true }),
  );
  app.get('/metrics', { schema: { ...text, summary: 'Prometheus metrics' } }, async (_, reply) => {
    const { contentType, text: body } = await metrics();
    return reply.type(contentType).send(body);
  });
}

function addWorkers(app: App, { driver, views }: RouteOptions): void {
  const workerNamed = (name: string) => {
    const worker = driver.cluster.workers.get(name);
    if (!worker) throw new CodedError('not-found', `no worker is called ${name}`, 'GET /api/v1/workers');
    return worker;
  };
  app.get(
    '/api/v1/workers',
    {
      schema: {
        tags: ['workers'],
        summary: 'All workers that are connected, or may still come back',
        response: { 200: Type.Array(WorkerView) },
      },
    },
    () => [...driver.cluster.workers.values()].map((worker) => views.worker(worker)),
  );
  app.get(
    '/api/v1/workers/:name',
    {
      schema: {
        tags: ['workers'],
        summary: 'One worker',
        params: NameParams,
        response: { 200: WorkerView, 404: ErrorView },
      },
    },
    ({ params }) => views.worker(workerNamed(params.name)),
  );
  for (const [action, drained, summary] of [
    ['drain', true, 'Lets a worker finish what it runs, and gives it nothing new'],
    ['undrain', false, 'Gives a drained worker jobs again'],
  ] as const) {
    app.post(
      `/api/v1/workers/:name/${action}`,
      {
        schema: {
          tags: ['workers'],
          summary,
          params: NameParams,
          response: { 200: WorkerView, 404: ErrorView },
        },
      },
      ({ params }) => {
        const worker = workerNamed(params.name);
        driver.handle({ type: 'drain', worker: worker.name, drained });
        return views.worker(worker);
      },
    );
  }
}

function addStorage(app: App, { views }: RouteOptions): void {
  app.get(
    '/api/v1/storage',
    {
      schema: {
        tags: ['workers'],
        summary: 'What PMS shares, and what each worker has of it',
        response: { 200: StorageView },
      },
    },
    () => views.storage(),
  );
}
