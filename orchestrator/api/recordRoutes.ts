import { Type } from 'typebox';
import { CommandView } from '#shared/api/records.ts';
import { ErrorView } from '#shared/api/schemas.ts';
import { CodedError } from '#shared/errors.ts';
import type { Job } from '../core/model.ts';
import type { App } from './app.ts';
import type { RouteOptions } from './routes.ts';

const params = Type.Object({ id: Type.String() });

/** What a job was told to do, and what it said of that. */
export function addRecords(
  app: App,
  { driver, records, history }: Pick<RouteOptions, 'driver' | 'records' | 'history'>,
): void {
  const jobOf = (id: string): Job | undefined =>
    driver.cluster.jobs.get(id) ?? driver.cluster.history.get(id);
  const keptOf = async (id: string) => {
    const kept = await history.record(id);
    if (kept) return kept;
    const story = await history.story(id);
    if (!story) throw new CodedError('not-found', `no job has the id ${id}`, 'GET /api/v1/jobs');
    throw new CodedError(
      'not-found',
      'its command and output are not kept',
      'over a restart only those of jobs that ended badly are',
    );
  };
  const stderrOf = async (id: string, number: number | undefined): Promise<string | null> => {
    const isMeant = (attempt: number): boolean => number === undefined || attempt === number;
    const job = jobOf(id);
    if (!job) {
      const { stderr } = await keptOf(id);
      return stderr.findLast(({ attempt }) => isMeant(attempt))?.text ?? null;
    }
    const attempt = job.attempts.findLast((one) => isMeant(one.number));
    const text = attempt ? records.stderr(job, attempt) : null;
    if (text !== '' || !job.outcome) return text;
    // Jobs are remembered for longer than all that they said.
    const kept = await history.record(id);
    return kept?.stderr.find((one) => one.attempt === attempt?.number)?.text ?? '';
  };
  app.get(
    '/api/v1/jobs/:id/command',
    {
      schema: {
        tags: ['jobs'],
        summary: 'The command as PMS gave it, and as each attempt ran it, without secrets',
        params,
        response: { 200: CommandView, 404: ErrorView },
      },
    },
    async ({ params: { id } }) => {
      const job = jobOf(id);
      return job ? records.command(job) : (await keptOf(id)).command;
    },
  );
  app.get(
    '/api/v1/jobs/:id/stderr',
    {
      schema: {
        tags: ['jobs'],
        summary:
          'The last 64 KB of what an attempt said on stderr, without secrets; of the last, if none is named',
        produces: ['text/plain'],
        params,
        querystring: Type.Object(
          { attempt: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
        response: { 200: Type.String(), 404: ErrorView },
      },
    },
    async ({ params: { id }, query: { attempt: number } }, reply) => {
      const text = await stderrOf(id, number);
      if (text === null && number !== undefined) {
        throw new CodedError('not-found', `it has no attempt ${number}`, `GET /api/v1/jobs/${id} lists them`);
      }
      // Of a job without any attempt nothing was said.
      return reply.type('text/plain; charset=utf-8').send(text ?? '');
    },
  );
}
