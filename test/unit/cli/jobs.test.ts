import { expect, test } from 'vitest';
import type { JobView } from '#shared/api/schemas.ts';
import { type Outcome, outcomeWithoutProcess } from '#shared/job.ts';
import { inOrder, JOB_HEAD, jobRow } from '../../../cli/commands/jobs.ts';
import { isFailure, standingOf } from '../../../cli/standing.ts';
import { story } from '../orchestrator/history/stories.ts';

const exited = (exitCode: number): Outcome => {
  return { ...outcomeWithoutProcess('lost', ''), reason: 'exited', exitCode, message: null };
};

test.each<[string, Partial<JobView>]>([
  ['running', { state: 'running', outcome: null }],
  ['queued', { state: 'queued', outcome: null }],
  ['finished', { outcome: exited(0) }],
  ['failed', { outcome: exited(1) }],
  ['failed', { outcome: outcomeWithoutProcess('no-worker', 'none came') }],
  ['cancelled', { outcome: outcomeWithoutProcess('cancelled', '') }],
  ['ran on PMS', { outcome: outcomeWithoutProcess('no-worker', 'none came'), ranOnPms: true }],
])('a job that is %s', (standing, fields) => {
  const job = story('a', 0, fields);
  expect(standingOf(job).text).toBe(standing);
  expect(isFailure(job)).toBe(standing === 'failed');
});

test('what runs comes first, then what waits, then what has ended, the latest first', () => {
  const live = { outcome: null, endedAt: null };
  const all = [
    story('ended first', 1),
    story('waits', 5, { ...live, state: 'queued' }),
    story('ended last', 3),
    story('runs', 9, { ...live, state: 'running' }),
    story('runs longer', 8, { ...live, state: 'running' }),
    story('ended', 2),
  ];
  const ids = inOrder(all, 2).map(({ jobId }) => jobId);
  expect(ids).toEqual(['runs longer', 'runs', 'waits', 'ended last', 'ended']);
});

test('when: for how long it lives, or how long ago it ended', () => {
  const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const when = (job: JobView) => jobRow(job)[JOB_HEAD.indexOf('WHEN')];
  const job = story('a', 0, { submittedAt: ago(90), endedAt: ago(60) });
  expect(when(job)).toBe('1h00m ago');
  expect(when({ ...job, state: 'running', endedAt: null })).toBe('for 1h30m');
});
