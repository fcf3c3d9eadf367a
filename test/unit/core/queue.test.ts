import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Job } from '../../../orchestrator/core/model.ts';
import { Queue, type QueueGroup } from '../../../orchestrator/core/queue.ts';
import { jobModel, jobSpec } from './world.ts';

const jobs = fc.uniqueArray(
  fc.record({
    order: fc.nat(1_000),
    jobClass: fc.constantFrom('playback', 'background'),
    avoid: fc.subarray(['a', 'b']),
  }),
  { selector: ({ order }) => order, maxLength: 40 },
);

function modelOf({ order, jobClass, avoid }: { order: number; jobClass: string; avoid: string[] }): Job {
  const spec = jobSpec(`job-${order}`, { jobClass: jobClass === 'playback' ? 'playback' : 'background' });
  return jobModel(order, { spec, avoid: new Set(avoid) });
}

function drain(queue: Queue): Job[] {
  const order: Job[] = [];
  for (let job = queue.first(new Set())?.jobs[0]; job; job = queue.first(new Set())?.jobs[0]) {
    order.push(job);
    queue.remove(job);
  }
  return order;
}

function isPlayback({ spec }: Job): boolean {
  return spec.jobClass === 'playback';
}

test('jobs leave with playback before background, and each class in order of age, however they came', () => {
  fc.assert(
    fc.property(jobs, (given) => {
      const models = given.map(modelOf);
      const queue = new Queue();
      for (const job of models) queue.add(job);
      expect(queue.size).toBe(models.length);
      const byAge = [...models].sort((a, b) => a.order - b.order);
      const expected = [...byAge.filter(isPlayback), ...byAge.filter((job) => !isPlayback(job))];
      expect(drain(queue)).toEqual(expected);
      expect(queue.size).toBe(0);
      expect([...queue.groups]).toEqual([]);
    }),
  );
});

test('any job can be taken out from the middle, once', () => {
  fc.assert(
    fc.property(jobs, fc.nat(), (given, pick) => {
      fc.pre(given.length > 0);
      const models = given.map(modelOf);
      const queue = new Queue();
      for (const job of models) queue.add(job);
      const [taken] = models.splice(pick % models.length, 1);
      if (!taken) throw new Error('nothing was picked');
      expect(queue.remove(taken)).toBe(true);
      expect(queue.remove(taken)).toBe(false);
      expect(queue.size).toBe(models.length);
      expect(new Set(drain(queue))).toEqual(new Set(models));
    }),
  );
});

test('a job that was never queued is not taken out in place of one of the same age', () => {
  const queue = new Queue();
  queue.add(jobModel(1));
  expect(queue.remove(jobModel(1))).toBe(false);
  expect(queue.size).toBe(1);
});

test('jobs that avoid the same workers wait together, whatever the order in which they failed there', () => {
  const queue = new Queue();
  queue.add(jobModel(1, { avoid: new Set(['a', 'b']) }));
  queue.add(jobModel(2, { avoid: new Set(['b', 'a']) }));
  queue.add(jobModel(3, { avoid: new Set(['a']) }));
  expect([...queue.groups].map((group) => group.jobs.map(({ order }) => order))).toEqual([[1, 2], [3]]);
});

test('groups that found no place are left out of the choice', () => {
  const queue = new Queue();
  queue.add(jobModel(1, { avoid: new Set(['a']) }));
  queue.add(jobModel(2));
  const stuck = new Set<QueueGroup>();
  const first = queue.first(stuck);
  if (!first) throw new Error('the queue has jobs');
  stuck.add(first);
  expect(first.jobs[0]?.order).toBe(1);
  const second = queue.first(stuck);
  expect(second?.jobs[0]?.order).toBe(2);
  if (second) stuck.add(second);
  expect(queue.first(stuck)).toBeNull();
});
