import { afterAll, beforeAll, expect, test } from 'vitest';
import { allEnded, isRunning } from '../support/processes.ts';
import { DASH_STREAM } from '../support/streamKinds.ts';
import { StreamStage } from '../support/streamStage.ts';
import { processesOfAttempt } from '../support/workerProcesses.ts';

let stage: StreamStage;

beforeAll(async () => {
  stage = await StreamStage.start({ seconds: 20 });
}, 120_000);

afterAll(async () => {
  for (const { pid } of stage.cluster.workers.values()) process.kill(pid, 'SIGCONT');
  await stage.stop();
});

test('a worker freezes and its transcoder goes on: another goes on after the deadline, and only one writes', async () => {
  const { cluster, pms } = stage;
  const stream = await stage.play(DASH_STREAM);
  await stream.announced(3);
  pms.throttle = true;
  const { worker, jobId } = await stream.running();
  const other = worker === 'w1' ? 'w2' : 'w1';
  const [frozen, next] = [cluster.workers.get(worker), cluster.workers.get(other)];
  const first = processesOfAttempt(jobId, 1);
  expect(first.length).toBeGreaterThan(1);

  const frozenAt = performance.now();
  process.kill(frozen?.pid ?? 0, 'SIGSTOP');
  await cluster.orchestrator.logged('worker disconnected', { worker });
  expect(first.filter(isRunning)).toEqual(first);
  await next?.logged('transcoder started', { jobId, attempt: 2 });
  const supersededAt = performance.now();
  expect(supersededAt - frozenAt).toBeLessThan(15_000);
  await allEnded(first);
  expect(performance.now() - supersededAt).toBeLessThan(2_000);

  process.kill(frozen?.pid ?? 0, 'SIGCONT');
  await frozen?.logged('attempt ended', { jobId, attempt: 1, message: 'another attempt owns the job' });
  await cluster.orchestrator.logged('worker connected', { worker }, 2);
  expect(await cluster.api(`/api/v1/workers/${worker}`)).toMatchObject({ running: 0, jobs: [] });
  pms.throttle = false;
  expect(await stream.exited).toEqual({ code: 0, signal: null });
  expect(await stream.problems(stage.seconds)).toEqual([]);
  expect(cluster.orchestrator.lines('job started', { jobId })).toHaveLength(2);
}, 120_000);
