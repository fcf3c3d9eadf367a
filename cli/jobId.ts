import { Type } from 'typebox';
import { HistoryView, JobView } from '#shared/api/schemas.ts';
import type { Call } from './command.ts';
import { FAILED, Failure } from './failure.ts';

/** The whole id of the job whose beginning is the call's word; also of one from before a restart. */
export async function jobIdOf(call: Call): Promise<string> {
  const beginning = call.word('the job’s id');
  const remembered = await call.orchestrator.ask(Type.Array(JobView), '/api/v1/jobs');
  const [found, another] = startingWith(remembered, beginning);
  if (another !== undefined)
    throw call.wrong(`several jobs' ids begin with ${beginning}: ${found}, ${another}`);
  if (found !== undefined) return found;
  const search = new URLSearchParams({ search: beginning });
  const { jobs } = await call.orchestrator.ask(HistoryView, `/api/v1/history?${search}`);
  const [ended] = startingWith(jobs, beginning);
  if (ended !== undefined) return ended;
  const hint = 'clusterplex jobs --all and clusterplex history list them';
  throw new Failure(FAILED, `no job's id begins with ${beginning}`, hint);
}

/** Of ids that begin alike; the whole one is itself. */
function startingWith(jobs: readonly JobView[], beginning: string): string[] {
  const ids = jobs.map(({ jobId }) => jobId).filter((jobId) => jobId.startsWith(beginning));
  return ids.includes(beginning) ? [beginning] : ids;
}
