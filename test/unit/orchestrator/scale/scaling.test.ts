import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { OrchestratorMetrics } from '../../../../orchestrator/metrics.ts';
import { ended } from '../../core/world.ts';
import { Stage } from './scalingStage.ts';

test('without a file nobody is scaled, and what is wanted is told', () => {
  const stage = new Stage();
  stage.worker('w-0');
  stage.worker('w-1');
  stage.clock.advance(1_000_000);
  expect(stage.leaving).toEqual([]);
  expect(stage.scaling.view()).toMatchObject({
    ...{ minimum: 0, maximum: 10_000, desired: 0, desiredWorkers: 0, current: 2, deviation: 0, bursts: [] },
    groups: [{ name: 'default', scalable: false, ready: 2, draining: 0, setBy: null, problem: null }],
  });
});

test('where nobody has set a scale nothing deviates from it; a burst asks for no more than its workers', () => {
  const stage = new Stage();
  stage.worker('w-0');
  const relay = stage.relay();
  for (const film of ['one', 'two', 'three']) stage.submit(relay, film);
  stage.clock.advance(1_000);
  expect(stage.scaling.view()).toMatchObject({ desired: 3, deviation: 0, groups: [{ setBy: null }] });
  stage.scaling.change({ burst: { workers: 5, minutes: 1 } });
  expect(stage.scaling.view()).toMatchObject({ desired: 5, deviation: -4 });
  for (const name of ['w-1', 'w-2', 'w-3', 'w-4', 'w-5']) stage.worker(name);
  expect(stage.scaling.view()).toMatchObject({ desired: 5, current: 6, deviation: 0 });
});

test('a leader makes nothing smaller before it knows what was needed lately', async () => {
  const stage = new Stage();
  stage.worker('w-0');
  stage.worker('w-1');
  await stage.spec('default: {scalable: infra, maximum: 4, desired: 1, stabilisationSeconds: 60}');
  stage.clock.advance(30_000);
  expect(stage.leaving).toEqual([]);
  stage.leads = false;
  stage.clock.advance(30_000);
  stage.leads = true;
  stage.clock.advance(60_000);
  expect(stage.leaving).toEqual([]);
  stage.clock.advance(1_000);
  expect(stage.leaving).toEqual(['w-1']);
  expect(stage.scaling.view().groups).toMatchObject([
    { current: 2, desired: 1, deviation: 1, ready: 1, draining: 1, reason: 'spec', setBy: 'file' },
  ]);
});

test('a leader makes nothing smaller before its workers could come back, however short the stabilisation', async () => {
  const stage = new Stage({ settleMs: 30_000 });
  stage.worker('w-0');
  stage.worker('w-1');
  stage.leads = false;
  await stage.spec('default: {scalable: infra, maximum: 4, desired: 1, stabilisationSeconds: 0}');
  stage.leads = true;
  stage.clock.advance(30_000);
  expect(stage.leaving).toEqual([]);
  stage.clock.advance(1_000);
  expect(stage.leaving).toEqual(['w-1']);
});

test('who does not lead tells what it would want and makes nobody go', async () => {
  const stage = new Stage();
  stage.leads = false;
  stage.worker('w-0');
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 0}');
  stage.clock.advance(10_000);
  expect(stage.leaving).toEqual([]);
  expect(stage.scaling.view()).toMatchObject({ desired: 0, deviation: 1 });
});

test('a job that waits calls back at once who was to go', async () => {
  const stage = new Stage();
  stage.worker('w-0');
  stage.worker('w-1');
  await stage.spec('default: {scalable: infra, maximum: 4, desired: 1, stabilisationSeconds: 0}');
  stage.clock.advance(1_000);
  expect(stage.leaving).toEqual(['w-1']);
  const relay = stage.relay();
  stage.submit(relay, 'one');
  stage.submit(relay, 'two');
  // Not by the clock, which stands still.
  await vi.waitFor(() => expect(stage.leaving).toEqual([]), 10_000);
  expect(stage.driver.cluster.jobs.get('two')?.current?.worker).toBe('w-1');
});

test('a job that found no worker and ran elsewhere asks for one', async () => {
  const stage = new Stage();
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 60}');
  stage.submit(stage.relay(), 'one');
  expect(stage.driver.cluster.jobs.get('one')?.outcome?.reason).toBe('no-worker');
  expect(stage.scaling.view().groups).toMatchObject([{ desired: 1, reason: 'queue' }]);
  stage.clock.advance(121_000);
  expect(stage.scaling.view().desired).toBe(0);
});

test('who scales elsewhere is told of fewer when nobody plays on the worker that goes, or its time is over', async () => {
  const stage = new Stage();
  stage.worker('w-0');
  const second = stage.worker('w-1');
  const relay = stage.relay();
  for (const film of ['one', 'two']) stage.submit(relay, film);
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 0}');
  const end = (connection: number, job: string): void => {
    const state = { revision: 1, ready: true, draining: false, load: null };
    const attempts = [ended(job, { exitCode: 0 })];
    stage.driver.handle({ type: 'worker-state', connection, state: { type: 'state', ...state, attempts } });
  };
  end(1, 'one');
  stage.clock.advance(1_000);
  expect(stage.leaving).toEqual(['w-1']);
  expect(stage.scaling.view()).toMatchObject({ desired: 1, deviation: 1, desiredWorkers: 2 });
  end(second, 'two');
  stage.clock.advance(1_000);
  expect(stage.scaling.view()).toMatchObject({ desired: 0, current: 2, desiredWorkers: 0 });
});

test('who scales elsewhere is not told to remove a worker that plays since one below it is away', async () => {
  const stage = new Stage();
  stage.worker('w-1');
  stage.worker('w-2');
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 0}');
  const relay = stage.relay();
  for (const film of ['one', 'two']) stage.submit(relay, film);
  stage.clock.advance(1_000);
  expect(stage.scaling.view()).toMatchObject({ current: 2, desired: 2, desiredWorkers: 3 });
  // Numbers that are not those of replicas.
  stage.worker('w-2024');
  stage.submit(relay, 'three');
  stage.clock.advance(1_000);
  expect(stage.scaling.view()).toMatchObject({ current: 3, desiredWorkers: 4 });
});

test('who scales elsewhere is told of no fewer before the leader has looked', async () => {
  const stage = new Stage();
  stage.leads = false;
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 0}');
  stage.worker('w-0');
  stage.worker('w-1');
  stage.leads = true;
  expect(stage.scaling.view()).toMatchObject({ desired: 0, desiredWorkers: 2 });
});

test('each group is set by its name, and the sums are of all', async () => {
  const stage = new Stage();
  stage.worker('c-0', { group: 'cpu' });
  const { scaling } = stage;
  await stage.spec('gpu: {scalable: infra, minimum: 1, maximum: 2}, cpu: {scalable: false, maximum: 3}');
  expect(() => scaling.change({ desired: 2 })).toThrow('there are several groups: say which');
  expect(() => scaling.change({ group: 'tpu', desired: 2 })).toThrow('no group is called tpu');
  expect(() => scaling.view('tpu')).toThrow('no group is called tpu');
  scaling.change({ group: 'cpu', desired: 3, burst: { workers: 1, minutes: 1 } });
  expect(scaling.view()).toMatchObject({ minimum: 1, maximum: 5, desired: 4, current: 1, deviation: -3 });
  expect(scaling.view('cpu')).toMatchObject({
    ...{ desired: 3, desiredWorkers: 3, deviation: -2, bursts: [{ group: 'cpu', workers: 1 }] },
    groups: [{ name: 'cpu', setBy: 'api' }],
  });
  const metrics = new OrchestratorMetrics(stage.driver.cluster);
  metrics.tellScale(() => scaling.specified);
  const { text } = await metrics.exposition();
  expect(text).toContain('clusterplex_scale_desired{group="cpu"} 3\n');
  expect(text).toContain('clusterplex_scale_current{group="cpu"} 1\n');
});

test('what was set counts until the file changes', async () => {
  const stage = new Stage();
  const file = (maximum: number) => `default: {scalable: infra, maximum: ${maximum}}`;
  await stage.spec(file(2));
  stage.scaling.change({ maximum: 9, desired: 9 });
  stage.clock.advance(60_000);
  expect(stage.scaling.view()).toMatchObject({ maximum: 9, desired: 9, groups: [{ setBy: 'api' }] });
  await stage.spec(file(3));
  expect(stage.scaling.view()).toMatchObject({ maximum: 3, desired: 0, groups: [{ setBy: 'file' }] });
});

test('a bad file is told, and changes nothing', async () => {
  const stage = new Stage();
  await stage.spec('default: {scalable: infra, maximum: 2, minimum: 1}');
  await stage.spec('default: {scalable: infra}');
  expect(stage.scaling.view()).toMatchObject({
    ...{ minimum: 1, maximum: 2 },
    problem: expect.stringMatching(/^groups.default must have required properties maximum/),
  });
});

test('bursts outlive the orchestrator, and those that are over do not', async () => {
  const stage = new Stage();
  stage.scaling.change({ burst: { workers: 2, minutes: 1 } });
  stage.scaling.change({ burst: { workers: 3, minutes: 10 } });
  const { bursts } = stage.scaling.view();
  await vi.waitFor(() => expect(readFileSync(stage.burstPath, 'utf8')).toContain('"workers":3'), 10_000);
  stage.scaling.stop();
  stage.leads = false;
  stage.start();
  const kept = JSON.parse(readFileSync(stage.burstPath, 'utf8'));
  kept.bursts[0].until = Date.now() - 1;
  writeFileSync(stage.burstPath, JSON.stringify(kept));
  stage.leads = true;
  stage.clock.advance(1_000);
  await vi.waitFor(() => expect(stage.scaling.view()).toMatchObject({ desired: 3 }), 10_000);
  const [burst, ...others] = stage.scaling.view().bursts;
  expect(others).toEqual([]);
  const shift = Date.parse(burst?.until ?? '') - Date.parse(bursts[1]?.until ?? '');
  expect(Math.abs(shift)).toBeLessThan(1_000);
});

test('a burst that is set at once by a new leader leaves those of the one before in the file', async () => {
  const stage = new Stage();
  stage.scaling.stop();
  const before = { group: 'default', workers: 2, until: Date.now() + 600_000 };
  writeFileSync(stage.burstPath, JSON.stringify({ bursts: [before] }));
  stage.start().change({ burst: { workers: 3, minutes: 10 } });
  await vi.waitFor(() => {
    const { bursts } = JSON.parse(readFileSync(stage.burstPath, 'utf8'));
    expect(bursts.map(({ workers }: { workers: number }) => workers).toSorted()).toEqual([2, 3]);
  }, 10_000);
  expect(stage.scaling.view().bursts).toHaveLength(2);
});

test('whoever is elected keeps warm what was warm, however long it stood by', async () => {
  const stage = new Stage();
  stage.leads = false;
  await stage.spec('default: {scalable: infra, maximum: 4, warm: 1, idleMinutes: 10}');
  stage.clock.advance(3_600_000);
  stage.leads = true;
  expect(stage.scaling.view()).toMatchObject({ desired: 1, groups: [{ reason: 'warm' }] });
  stage.clock.advance(600_000);
  expect(stage.scaling.view().desired).toBe(0);
});

test('a group that nobody has specified is forgotten with its last worker, unless something was asked of it', async () => {
  const stage = new Stage();
  const connections = ['mistyped', 'set', 'burst'].map((group) => stage.worker(`${group}-0`, { group }));
  stage.scaling.change({ group: 'set', desired: 1 });
  stage.scaling.change({ group: 'burst', burst: { workers: 1, minutes: 1 } });
  const names = () => stage.scaling.view().groups.map(({ name }) => name);
  for (const connection of connections) stage.driver.handle({ type: 'disconnected', connection });
  expect(names()).toEqual(['default', 'mistyped', 'set', 'burst']);
  stage.clock.advance(5_000);
  expect(names()).toEqual(['default', 'set', 'burst']);
  stage.clock.advance(60_000);
  expect(names()).toEqual(['default', 'set']);
});
