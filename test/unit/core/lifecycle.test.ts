import { expect, test } from 'vitest';
import { statusOf } from '../../../orchestrator/core/cluster.ts';
import { jobState } from '../../../orchestrator/core/model.ts';
import { ended, running, World } from './world.ts';

function started() {
  const world = World.settled();
  const worker = world.worker('w');
  const relay = world.relay();
  const job = world.submit(relay, 'j');
  world.report(worker, [running('j')]);
  return { world, worker, relay, job };
}

test('cancelling a queued job ends it at once, without a process', () => {
  const { world, relay } = started();
  const queued = world.submit(relay, 'queued');
  world.handle({ type: 'cancel', jobId: 'queued', signal: 'SIGTERM' });
  expect(queued.outcome).toMatchObject({ reason: 'cancelled', exitCode: null, signal: null });
  expect(world.cluster.queued).toBe(0);
  expect(world.effects).toContainEqual({ type: 'tell-relay', connection: relay, job: queued });
});

test('cancelling a running job asks its worker with the given signal, and ends when that says so', () => {
  const { world, worker, relay, job } = started();
  const message = { type: 'end', jobId: 'j', signal: 'SIGINT' } as const;
  world.handle({ type: 'relay-message', connection: relay, message });
  expect(world.list('w')).toEqual(['j/1 SIGINT']);
  expect(jobState(job)).toBe('running');
  expect(job.story.at(-1)).toMatchObject({ event: 'cancelling', attempt: 1, worker: 'w', message: 'SIGINT' });
  world.advance(700);
  world.report(worker, [ended('j', { reason: 'cancelled', signal: 'SIGINT' })]);
  expect(job.outcome).toMatchObject({ reason: 'cancelled', signal: 'SIGINT' });
  expect(job.endedAt).toBe(world.now);
  expect(world.list('w')).toEqual([]);
});

test('a cancelled job keeps the exit code with which its transcoder left', () => {
  const { world, worker, job } = started();
  world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
  world.report(worker, [ended('j', { reason: 'exited', exitCode: 255, stdoutBytes: 3 })]);
  expect(job.outcome).toMatchObject({ reason: 'cancelled', exitCode: 255, stdoutBytes: 3 });
});

test('a cancelled job is not tried elsewhere, however its attempt ends', () => {
  for (const reason of ['lost', 'refused', 'failed', 'exited'] as const) {
    const { world, worker, job } = started();
    world.worker('other');
    world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
    world.report(worker, [ended('j', { reason })]);
    expect(job.outcome?.reason).toBe('cancelled');
  }
});

test('a cancelled job whose worker dies is ended, not moved', () => {
  const { world, worker, job } = started();
  world.worker('other');
  world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
  world.disconnect(worker);
  world.advance(2_000);
  expect(job.outcome).toMatchObject({ reason: 'cancelled' });
});

test('a cancel that crosses the end changes nothing', () => {
  const { world, worker, job } = started();
  world.report(worker, [ended('j', { exitCode: 0 })]);
  const story = job.story.length;
  expect(world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' })).toEqual([]);
  expect(job).toMatchObject({ outcome: { reason: 'exited', exitCode: 0 }, endRequested: null });
  expect(job.story).toHaveLength(story);
});

test('the first signal counts: a second cancel does not change it', () => {
  const { world } = started();
  world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGINT' });
  world.handle({ type: 'cancel', jobId: 'j', signal: 'SIGTERM' });
  expect(world.list('w')).toEqual(['j/1 SIGINT']);
});

test('cancelling a job that nobody knows does nothing', () => {
  const { world } = started();
  expect(world.handle({ type: 'cancel', jobId: 'unknown', signal: 'SIGTERM' })).toEqual([]);
});

test('releasing a running job cancels it, and it is remembered once it has ended', () => {
  const { world, worker, relay, job } = started();
  world.release(relay, 'j');
  expect(world.list('w')).toEqual(['j/1 SIGTERM']);
  expect(world.cluster.jobs.has('j')).toBe(true);
  world.report(worker, [ended('j', { reason: 'cancelled', signal: 'SIGTERM' })]);
  expect(world.cluster.jobs.has('j')).toBe(false);
  expect(world.cluster.history.get('j')).toBe(job);
  expect(world.effects.some(({ type }) => type === 'tell-relay')).toBe(false);
});

test('releasing a queued job ends and forgets it at once', () => {
  const { world, relay } = started();
  const queued = world.submit(relay, 'queued');
  world.release(relay, 'queued');
  expect(queued.outcome?.reason).toBe('cancelled');
  expect(world.cluster.jobs.has('queued')).toBe(false);
});

test('an ended job stays until its relay releases it', () => {
  const { world, worker, relay } = started();
  world.report(worker, [ended('j', { exitCode: 0 })]);
  expect(world.cluster.jobs.has('j')).toBe(true);
  world.advance(3_600_000);
  expect(world.cluster.jobs.has('j')).toBe(true);
  world.release(relay, 'j');
  expect(world.cluster.jobs.has('j')).toBe(false);
});

test('a job that is submitted again after its release is told how it ended, and does not run again', () => {
  const { world, worker, relay, job } = started();
  world.report(worker, [ended('j', { exitCode: 0 })]);
  world.release(relay, 'j');
  expect(world.submit(relay, 'j')).toBe(job);
  expect(world.effects).toContainEqual({ type: 'tell-relay', connection: relay, job });
  expect(world.list('w')).toEqual([]);
  expect(world.cluster.history.has('j')).toBe(false);
  world.release(relay, 'j');
  expect(world.cluster.history.get('j')).toBe(job);
});

test('a released job that is submitted again before it has ended is told its end, and kept', () => {
  const { world, worker, relay } = started();
  world.release(relay, 'j');
  world.submit(relay, 'j');
  world.report(worker, [ended('j', { reason: 'cancelled', signal: 'SIGTERM' })]);
  expect(world.effects.some(({ type }) => type === 'tell-relay')).toBe(true);
  expect(world.cluster.jobs.has('j')).toBe(true);
});

test('only the last finished jobs are remembered', () => {
  const world = World.settled({ historySize: 2 });
  const relay = world.relay();
  for (const jobId of ['one', 'two', 'three']) {
    world.submit(relay, jobId);
    world.release(relay, jobId);
  }
  expect([...world.cluster.history.keys()]).toEqual(['two', 'three']);
});

test("a job's story stays short enough to be read, however often its worker goes and comes back", () => {
  const world = World.settled();
  const first = world.worker('w');
  const job = world.submit(world.relay(), 'j', { local: false });
  world.disconnect(first);
  for (let index = 0; index < 100; index += 1) {
    world.advance(2_000);
    const connection = world.worker('w', { attempts: [running('j')] });
    expect(job.current?.number).toBe(1);
    world.disconnect(connection);
  }
  expect(job.story).toHaveLength(200);
});

test('the status of a job is the whole of it', () => {
  const { world, worker, relay, job } = started();
  expect(statusOf(job)).toEqual({
    type: 'status',
    jobId: 'j',
    state: 'running',
    attempt: 1,
    worker: 'w',
    outcome: null,
  });
  expect(statusOf(world.submit(relay, 'k'))).toMatchObject({ state: 'queued', attempt: 0, worker: null });
  world.report(worker, [ended('j', { exitCode: 3, stdoutBytes: 1 })]);
  expect(statusOf(job)).toMatchObject({ state: 'ended', attempt: 1, outcome: { exitCode: 3 } });
});
