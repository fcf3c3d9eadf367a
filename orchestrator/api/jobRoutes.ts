import { Type } from 'typebox';
import { ErrorView, HistoryParameters, HistoryView, JobStoryView, JobView } from '#shared/api/schemas.ts';
import { CodedError } from '#shared/errors.ts';
import { JobState } from '#shared/protocol/messages.ts';
import { NEWEST, placeOf, placeText } from '../history/query.ts';
import type { App } from './app.ts';
import type { RouteOptions } from './routes.ts';

/** So many jobs are told at once when nobody says how many. */
const PAGE = 50;

const IdParams = Type.Object({ id: Type.String() });

type JobRouteOptions = Pick<RouteOptions, 'driver' | 'views' | 'history'>;

export function addJobRoutes(app: App, { driver, views, history }: JobRouteOptions): void {
  const noJob = (id: string) => new CodedError('not-found', `no job has the id ${id}`, 'GET /api/v1/jobs');
  app.get(
    '/api/v1/jobs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'All jobs that live or are remembered, or those in one state',
        querystring: Type.Object({ state: Type.Optional(JobState) }, { additionalProperties: false }),
        response: { 200: Type.Array(JobView) },
      },
    },
    ({ query }) => {
      const jobs = [...driver.cluster.jobs.values(), ...driver.cluster.history.values()];
      const shown = jobs.map((job) => views.job(job));
      return query.state ? shown.filter(({ state }) => state === query.state) : shown;
    },
  );
  app.get(
    '/api/v1/jobs/:id',
    {
      schema: {
        tags: ['jobs'],
        summary: 'One job, with its attempts and what happened to it',
        params: IdParams,
        response: { 200: JobStoryView, 404: ErrorView },
      },
    },
    async ({ params: { id } }) => {
      const job = driver.cluster.jobs.get(id) ?? driver.cluster.history.get(id);
      const story = job ? views.story(job) : await history.story(id);
      if (!story) throw noJob(id);
      return story;
    },
  );
  app.delete(
    '/api/v1/jobs/:id',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Cancels a job',
        params: IdParams,
        response: { 202: JobView, 404: ErrorView, 409: ErrorView },
      },
    },
    async ({ params: { id } }, reply) => {
      const job = driver.cluster.jobs.get(id);
      if (job && !job.outcome) {
        driver.handle({ type: 'cancel', jobId: id, signal: 'SIGTERM' });
        reply.status(202);
        return views.job(job);
      }
      const ended = job ?? driver.cluster.history.get(id) ?? (await history.story(id));
      if (!ended) throw noJob(id);
      const why = ended.outcome?.message ?? ended.outcome?.reason;
      throw new CodedError('conflict', `the job has ended: ${why}`, `GET /api/v1/jobs/${id}`);
    },
  );
}

export function addHistory(app: App, { history }: JobRouteOptions): void {
  app.get(
    '/api/v1/history',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Jobs that have ended, newest first, a page at a time',
        querystring: HistoryParameters,
        response: { 200: HistoryView },
      },
    },
    async ({ query: { before, limit = PAGE, ...query } }) => {
      const place = before === undefined ? NEWEST : placeOf(before);
      if (!place) {
        throw new CodedError(
          'bad-request',
          `before is neither a time nor the next of a page: ${before}`,
          'name a time with its zone: 2026-01-31T20:15:00Z',
        );
      }
      const { jobs, next } = await history.search({ ...query, limit, before: place });
      return { jobs: [...jobs], next: next && placeText(next) };
    },
  );
}
