import { beforeEach, expect, test } from 'vitest';
import { HeldJob } from '../../../pms/relay/heldJob.ts';
import { JobTraces } from '../../../pms/relay/traces.ts';
import { RecordedTracing, TRACEPARENT } from '../../support/spans.ts';
import { EXITED, SPEC } from './jobsStage.ts';

let tracing: RecordedTracing;
let traces: JobTraces;

beforeEach(() => {
  tracing = new RecordedTracing();
  traces = new JobTraces(tracing);
});

function held(): HeldJob {
  const hook = { send: () => undefined, close: () => undefined };
  const spec = traces.taken({ ...SPEC, argv: ['-i', 'http://pms/?X-Plex-Token=secret'] }, 1_000);
  return new HeldJob(spec, hook, { scopes: [], credential: null, localArgv: null }, null, null);
}

test('a job goes from the start of its hook to its exit code, and its submission to the first answer', () => {
  const job = held();
  expect(job.spec.traceparent).toBe(TRACEPARENT);
  traces.answered('j');
  traces.answered('j');
  job.outcome = EXITED;
  job.verdict = { exit: 0 };
  traces.dropped(job);
  expect(tracing.spans).toMatchObject([
    {
      ...{ name: 'job', parent: null, failure: null },
      attributes: {
        ...{ startedAt: 1_000, 'clusterplex.job.id': 'j', 'clusterplex.job.title': 't' },
        ...{ 'clusterplex.outcome': 'exited', 'clusterplex.local': false, 'process.exit.code': 0 },
      },
    },
    { name: 'submit', parent: TRACEPARENT, failure: null },
  ]);
  expect(JSON.stringify(tracing.spans)).not.toContain('secret');
});

test('the first progress and the first segment that PMS accepts are events of the job, and no others', () => {
  const job = held();
  traces.accepted(job);
  expect(tracing.named('job')[0]?.events).toEqual([]);
  Object.defineProperty(job.accepted, 'progress', { value: 1 });
  traces.accepted(job);
  expect(tracing.named('job')[0]?.events).toEqual(['first progress']);
  Object.defineProperty(job.accepted, 'announced', { value: 1 });
  traces.accepted(job);
  traces.accepted(job);
  expect(tracing.named('job')[0]?.events).toEqual(['first progress', 'first segment']);
});

test.each([
  ['fails', { verdict: { exit: 7 } }, 'exit code 7', { 'process.exit.code': 7, 'clusterplex.local': false }],
  ['runs at its hook', { verdict: { local: 'why' } }, null, { 'clusterplex.local': true }],
  ['goes on at its hook', { isTakenOver: true }, null, { 'clusterplex.local': true }],
  ['is killed by PMS', {}, null, { 'clusterplex.outcome': 'cancelled', 'process.exit.code': null }],
  ['is ended by PMS', { signal: 'SIGTERM', verdict: { exit: 143 } }, null, { 'process.exit.code': 143 }],
])('a job that %s says so', (_how, fields, failure, attributes) => {
  traces.dropped(Object.assign(held(), fields));
  expect(tracing.spans).toMatchObject([
    { name: 'job', failure, attributes },
    { name: 'submit', failure: 'unanswered' },
  ]);
});

test('a hook that comes back to this relay goes on with its trace', () => {
  held();
  expect(traces.taken(SPEC, 1_000).traceparent).toBe(TRACEPARENT);
  expect(tracing.named('job')).toHaveLength(1);
});

test('a job that the sampler leaves out is as it was', () => {
  tracing.isSampling = false;
  expect(traces.taken(SPEC, 1_000)).toBe(SPEC);
  traces.answered('j');
});
