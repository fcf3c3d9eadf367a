import { expect, test, vi } from 'vitest';
import { NO_CAPABILITIES } from '#shared/capabilities.ts';
import { ended } from '../../core/world.ts';
import { Stage } from './scalingStage.ts';

const coders = { ...NO_CAPABILITIES, decoders: ['h264'], encoders: ['libx264'] };
const HEVC = { argv: ['-codec:0', 'hevc', '-i', 'film'] };
const withHevc = { capabilities: { ...coders, decoders: ['h264', 'hevc'] } };

test('a job that waits for one of those that are to go calls it back at once, with those below it', async () => {
  const stage = new Stage();
  for (const name of ['w-0', 'w-1', 'w-2', 'w-3']) {
    stage.worker(name, name === 'w-2' ? withHevc : { capabilities: coders });
  }
  await stage.spec('default: {scalable: infra, maximum: 4, desired: 1, stabilisationSeconds: 0}');
  stage.clock.advance(1_000);
  expect(stage.leaving).toEqual(['w-1', 'w-2', 'w-3']);
  stage.submit(stage.relay(), 'film', HEVC);
  // Not by the clock, which stands still.
  await vi.waitFor(() => expect(stage.leaving).toEqual(['w-3']), 10_000);
  expect(stage.driver.cluster.jobs.get('film')?.current?.worker).toBe('w-2');
});

test('who alone could run its job stays until that has ended, and then as long as any other', async () => {
  const stage = new Stage();
  stage.worker('w-0', { capabilities: coders });
  const second = stage.worker('w-1', withHevc);
  stage.submit(stage.relay(), 'scan', { ...HEVC, jobClass: 'background' });
  await stage.spec('default: {scalable: infra, maximum: 4, desired: 1, stabilisationSeconds: 60}');
  const seen = new Set<string>();
  stage.driver.observe(() => void seen.add(String(stage.leaving)));
  stage.clock.advance(7_200_000);
  expect([...seen]).not.toContain('w-1');
  expect(stage.driver.cluster.jobs.get('scan')).toMatchObject({ lastAttempt: 1, current: { end: null } });
  expect(stage.scaling.view()).toMatchObject({ desired: 2, deviation: 0, groups: [{ reason: 'running' }] });
  const state = { revision: 1, ready: true, draining: false, load: null };
  const attempts = [ended('scan', { exitCode: 0 })];
  const message = { type: 'state', ...state, attempts } as const;
  stage.driver.handle({ type: 'worker-state', connection: second, state: message });
  stage.clock.advance(60_000);
  expect(stage.leaving).toEqual([]);
  stage.clock.advance(2_000);
  expect(stage.leaving).toEqual(['w-1']);
});

test('who stays and is full takes nothing of one that would go', async () => {
  const stage = new Stage();
  stage.worker('w-0', { slots: 1 });
  stage.worker('w-1', { slots: 3 });
  const relay = stage.relay();
  stage.submit(relay, 'film');
  stage.submit(relay, 'scan', { jobClass: 'background' });
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 0}');
  stage.clock.advance(600_000);
  expect(stage.driver.cluster.jobs.get('film')?.current?.worker).toBe('w-0');
  expect(stage.leaving).toEqual([]);
  expect(stage.driver.cluster.jobs.get('scan')?.lastAttempt).toBe(1);
  // What the maximum forbids is moved all the same.
  stage.scaling.change({ maximum: 1 });
  expect(stage.leaving).toEqual(['w-1']);
});

test('one place takes one job of those that would go', async () => {
  const stage = new Stage();
  const relay = stage.relay();
  stage.worker('w-1', { slots: 6 });
  for (const scan of ['one', 'two']) stage.submit(relay, scan, { jobClass: 'background' });
  stage.worker('w-0', { slots: 2 });
  stage.submit(relay, 'three', { jobClass: 'background' });
  await stage.spec('default: {scalable: infra, maximum: 4, stabilisationSeconds: 0}');
  const onSecond = () =>
    [...stage.driver.cluster.jobs.values()].filter(({ current }) => current?.worker === 'w-1').length;
  expect(onSecond()).toBe(2);
  stage.clock.advance(600_000);
  expect(stage.leaving).toEqual([]);
  expect(onSecond()).toBe(2);
});
