import { expect, test } from 'vitest';
import { ended, running, World } from './world.ts';

/** Jobs that fail at once on `bad`, where each is placed first, and end with this code on `good`. */
function failing(world: World, bad: number, good: number, jobIds: readonly string[], code: number): void {
  const relay = world.relay();
  for (const jobId of jobIds) {
    world.handle({ type: 'drain', worker: 'good', drained: true });
    const job = world.submit(relay, jobId);
    world.handle({ type: 'drain', worker: 'good', drained: false });
    expect(job.current?.worker).toBe('bad');
    world.report(bad, [ended(jobId, { exitCode: 1 })]);
    expect(job.current?.worker).toBe('good');
    world.report(good, [ended(jobId, { exitCode: code }, 2)]);
    expect(job.outcome?.exitCode).toBe(code);
  }
}

function twoWorkers() {
  const world = World.settled();
  return { world, bad: world.worker('bad'), good: world.worker('good') };
}

test('three jobs in a row that fail at once here and run elsewhere: nothing new for a while', () => {
  const { world, bad, good } = twoWorkers();
  failing(world, bad, good, ['a', 'b'], 0);
  expect(world.workerCalled('bad').quarantined).toBe(false);
  failing(world, bad, good, ['c'], 0);
  expect(world.workerCalled('bad').quarantined).toBe(true);
  world.submit(world.relay(), 'd');
  expect(world.list('good')).toEqual(['d/1']);
  world.report(good, [ended('d', { exitCode: 0 })]);
  world.advance(59_999);
  expect(world.workerCalled('bad').quarantined).toBe(true);
  world.advance(1);
  expect(world.workerCalled('bad').quarantined).toBe(false);
  // On probation: one more is enough.
  failing(world, bad, good, ['e'], 0);
  expect(world.workerCalled('bad').quarantined).toBe(true);
});

test('jobs that fail everywhere are not the worker’s fault', () => {
  const { world, bad, good } = twoWorkers();
  failing(world, bad, good, ['a', 'b', 'c', 'd'], 1);
  expect(world.workerCalled('bad')).toMatchObject({ failures: 0, quarantined: false });
});

test('a job that ends well on it starts the count anew', () => {
  const { world, bad, good } = twoWorkers();
  failing(world, bad, good, ['a', 'b'], 0);
  world.handle({ type: 'drain', worker: 'good', drained: true });
  world.submit(world.relay(), 'fine');
  world.report(bad, [running('fine')]);
  world.report(bad, [ended('fine', { exitCode: 0 })]);
  world.handle({ type: 'drain', worker: 'good', drained: false });
  failing(world, bad, good, ['c', 'd'], 0);
  expect(world.workerCalled('bad').quarantined).toBe(false);
});

test('a new process under its name starts without a record, the same one does not', () => {
  const { world, bad, good } = twoWorkers();
  failing(world, bad, good, ['a', 'b', 'c'], 0);
  world.worker('bad', { instance: world.workerCalled('bad').instance });
  expect(world.workerCalled('bad').quarantined).toBe(true);
  world.disconnect(world.workerCalled('bad').connection ?? 0);
  world.worker('bad', { instance: 'another process' });
  expect(world.workerCalled('bad').quarantined).toBe(false);
});
