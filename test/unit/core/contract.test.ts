import { expect, test } from 'vitest';
import type { SharedMount } from '#shared/protocol/storage.ts';
import { World } from './world.ts';

const UUID = '00000000-0000-4000-8000-000000000000';

function shared(path: string, seen: string[] = []): SharedMount {
  return {
    path,
    mode: 'rw',
    purpose: 'transcode',
    proof: `pms-${UUID}.1`,
    fingerprint: null,
    folders: null,
    seen,
  };
}

function publish(world: World, connection: number, ...mounts: SharedMount[]): void {
  world.handle({ type: 'relay-message', connection, message: { type: 'storage', mounts } });
}

const contract = (world: World) => world.cluster.contract(world.workerCalled('w'));

test('workers are told what PMS shares, each with what PMS sees of its own', () => {
  const world = World.settled();
  world.worker('w', { instance: UUID });
  const relay = world.relay('r');
  expect(contract(world)).toEqual([]);
  publish(world, relay, shared('/transcode', [`worker-x.3`, `worker-${UUID}.7`]));
  expect(world.effects).toEqual([{ type: 'contract-changed' }]);
  expect(contract(world)).toEqual([{ ...shared('/transcode'), seen: `worker-${UUID}.7` }]);
});

test('it holds while no relay is there, and until another one says what is shared', () => {
  const world = World.settled();
  world.worker('w');
  const first = world.relay('first');
  const second = world.relay('second');
  publish(world, first, shared('/one'));
  publish(world, second, shared('/two'));
  world.disconnect(first);
  world.disconnect(second);
  expect(contract(world).map(({ path }) => path)).toEqual(['/one', '/two']);
  publish(world, world.relay('third'), shared('/three'));
  expect(contract(world).map(({ path }) => path)).toEqual(['/three']);
});

test("a worker's mounts are as it said last, and only a problem is news for others", () => {
  const world = World.settled();
  const worker = world.worker('w');
  const mount = { path: '/transcode', mode: 'rw', problem: null } as const;
  world.report(worker, [], { storage: [mount] });
  expect(world.effects).toMatchObject([{ type: 'worker-changed' }]);
  world.report(worker, [], { storage: [{ ...mount, latencyMs: 7 }] });
  expect(world.effects).toEqual([]);
  expect(world.workerCalled('w').storage).toEqual([{ ...mount, latencyMs: 7 }]);
  world.report(worker, [], { storage: [{ ...mount, problem: 'gone' }] });
  expect(world.effects).toMatchObject([{ type: 'worker-changed' }]);
});
