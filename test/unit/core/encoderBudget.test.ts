import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Gpu, NO_CAPABILITIES } from '#shared/capabilities.ts';
import type { JobSpec } from '#shared/job.ts';
import type { Checkpoint } from '#shared/protocol/checkpoint.ts';
import type { ConnectionId } from '../../../orchestrator/core/model.ts';
import { ended as endedIn, running as runningIn, World } from './world.ts';

const HARDWARE: Partial<JobSpec> = { argv: ['-i', 'a', '-codec:0', 'h264_nvenc', 'dash'] };

function card(id: string, sessionLimit: number | null): Gpu {
  return {
    ...{ id, api: 'cuda', name: 'GeForce', device: '0000:01:00.0', driver: null, decoders: [], filters: [] },
    ...{ encoders: ['h264_nvenc'], sessionLimit },
  };
}

const withCards = (...gpus: Gpu[]) => ({ slots: 10, capabilities: { ...NO_CAPABILITIES, gpus } });

const NVENC = { hardware: { api: 'cuda', decoder: null, encoder: 'h264_nvenc' } } as const;
const running = (...what: Parameters<typeof runningIn>) => ({ ...runningIn(...what), ...NVENC });
const ended = (...what: Parameters<typeof endedIn>) => ({ ...endedIn(...what), ...NVENC });

const NO_SESSION = { exitCode: 1, gpuFailure: 'sessions', stderrBytes: 500 } as const;

function checkpoint(jobId: string): Checkpoint {
  return {
    ...{ type: 'checkpoint', jobId, attempt: 1, progress: 5, speed: null, duration: null, readError: null },
    ...{ announced: 1, resume: null, obstacle: null },
  };
}

/** Two workers that share one card of two sessions. */
function sharing(): { world: World; relay: ConnectionId; a: ConnectionId; b: ConnectionId } {
  const world = World.settled();
  const a = world.worker('a', withCards(card('GPU-1', 2)));
  const b = world.worker('b', withCards(card('GPU-1', 2)));
  return { world, relay: world.relay(), a, b };
}

test('workers that share a card share its encoder sessions, and software jobs go on', () => {
  const { world, relay, a } = sharing();
  for (const id of ['1', '2', '3']) world.submit(relay, id, HARDWARE);
  expect(world.spread()).toEqual([1, 1]);
  expect(world.cluster.whyWaiting(world.job('3'))).toBe(
    'all encoder sessions of the GPUs of 2 workers are taken',
  );
  world.submit(relay, 'software');
  expect(world.spread()).toEqual([2, 1]);
  world.report(a, [ended('1', { exitCode: 0 }), runningIn('software')]);
  expect(world.job('3').current?.worker).toBe('b');
});

test('whose session another worker on the card could take over holds nobody; whose needs one of another card does', () => {
  const { world, relay } = sharing();
  for (const id of ['1', '2']) world.submit(relay, id, HARDWARE);
  const isHeld = () => world.cluster.isHeld(world.workerCalled('b'), new Set(['b']), new Map());
  expect([world.spread(), isHeld()]).toEqual([[1, 1], false]);
  const c = world.worker('c', withCards(card('GPU-2', 1)));
  world.submit(relay, '3', HARDWARE);
  const isOtherHeld = () => world.cluster.isHeld(world.workerCalled('c'), new Set(['c']), new Map());
  expect([world.spread(), isOtherHeld()]).toEqual([[1, 1, 1], true]);
  world.report(c, [running('3')]);
  expect(isOtherHeld()).toBe(true);
});

test('a job that waits for a session keeps no software job of its class waiting', () => {
  const { world, relay, a } = sharing();
  world.report(a, [], { ready: false });
  for (let id = 0; id < 12; id += 1) world.submit(relay, `${id}`, id < 3 ? HARDWARE : {});
  expect(world.spread()).toEqual([0, 10]);
  expect(world.job('2').current).toBeNull();
});

test.each([
  ['cancelled', (world: World, relay: ConnectionId) => world.release(relay, '1')],
  [
    'lost with its worker',
    (world: World) => {
      world.disconnect(world.workerCalled('a').connection ?? 0);
      world.advance(world.settings.workerReconnectMs);
    },
  ],
])('an attempt that is %s gives its session back', (_how, act) => {
  const world = World.settled();
  const a = world.worker('a', withCards(card('GPU-1', 1)));
  const relay = world.relay();
  world.submit(relay, '1', { ...HARDWARE, local: false });
  world.submit(relay, '2', { ...HARDWARE, local: false });
  const b = world.worker('b', withCards(card('GPU-1', 1)));
  expect(world.spread()).toEqual([1, 0]);
  act(world, relay);
  if (world.cluster.workers.has('a')) world.report(a, [ended('1', { reason: 'cancelled' })]);
  else world.report(b, []);
  expect([...world.cluster.workers.values()].reduce((sum, worker) => sum + worker.running, 0)).toBe(1);
});

test('a card that gives fewer sessions than it says is believed, until jobs succeed there', () => {
  const world = World.settled();
  const shared = world.worker('shared', withCards(card('GPU-1', 8)));
  const relay = world.relay();
  for (const id of ['1', '2', '3']) world.submit(relay, id, HARDWARE);
  world.report(shared, [running('1'), running('2'), ended('3', NO_SESSION)]);
  expect(world.job('3')).toMatchObject({ current: null, outcome: null });
  expect(world.cluster.whyWaiting(world.job('3'))).toContain('encoder sessions');
  world.report(shared, [running('1'), ended('2', { exitCode: 0 })]);
  expect(world.job('3').current?.number).toBe(2);
  world.submit(relay, '4', HARDWARE);
  expect(world.job('4').current?.number).toBe(1);
  world.submit(relay, '5', HARDWARE);
  expect(world.job('5').current).toBeNull();
});

test('one that is ended after it has made something had a session, too', () => {
  const world = World.settled();
  const a = world.worker('a', withCards(card('GPU-1', 8)));
  const relay = world.relay();
  for (const id of ['1', '2', '3']) world.submit(relay, id, HARDWARE);
  world.report(a, [running('1'), running('2'), ended('3', NO_SESSION)]);
  const limit = () => world.cluster.encoders.limit(card('GPU-1', 8));
  expect(limit()).toBe(2);
  world.advance(1_000);
  world.handle({ type: 'relay-message', connection: relay, message: checkpoint('1') });
  for (const id of ['1', '2']) world.release(relay, id);
  world.report(a, [ended('1', { reason: 'cancelled' }), ended('2', { reason: 'cancelled' })]);
  expect(limit()).toBe(3);
});

test('a job without a session is tried on another card, and its worker is not blamed', () => {
  const world = World.settled({ quarantineFailures: 1 });
  const a = world.worker('a', withCards(card('GPU-1', null)));
  const relay = world.relay();
  world.submit(relay, 'j', HARDWARE);
  world.worker('b', withCards(card('GPU-2', null)));
  world.report(a, [running('j')]);
  world.advance(world.settings.earlyExitMs + 1);
  world.report(a, [ended('j', NO_SESSION)]);
  expect(world.job('j').current).toMatchObject({ worker: 'b', number: 2 });
  expect(
    world.job('j').story.find(({ message }) => message === 'no encoder session was left on a'),
  ).toBeTruthy();
  expect(world.workerCalled('a')).toMatchObject({ quarantined: false, failures: 0 });
});

test('without another worker, and with nobody to wait for, the failure is the job’s outcome', () => {
  const world = World.settled();
  const a = world.worker('a', withCards(card('GPU-1', null)));
  world.submit(world.relay(), 'j', HARDWARE);
  world.report(a, [ended('j', NO_SESSION)]);
  expect(world.job('j').outcome).toMatchObject({ exitCode: 1, gpuFailure: 'sessions' });
});

test('a GPU that is lost under job after job ends the job after the last attempt', () => {
  const world = World.settled();
  const relay = world.relay();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const connections = new Map(names.map((name) => [name, world.worker(name, withCards(card(name, null)))]));
  world.submit(relay, 'j', HARDWARE);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const worker = world.job('j').current?.worker ?? '';
    world.report(connections.get(worker) ?? 0, [ended('j', { exitCode: 1, gpuFailure: 'lost' }, attempt)]);
  }
  expect(world.job('j').outcome).toMatchObject({ reason: 'exited', gpuFailure: 'lost' });
});

test('an attempt that gives way to a later one gives its session back', () => {
  const world = World.settled();
  world.worker('a', withCards(card('GPU-1', 1)));
  const job = world.submit(world.relay(), 'j', HARDWARE);
  world.worker('b', { ...withCards(card('GPU-2', 1)), attempts: [running('j', 2)] });
  expect(job.current).toMatchObject({ worker: 'b', number: 2 });
  expect(['GPU-1', 'GPU-2'].map((id) => world.cluster.encoders.used(id))).toEqual([0, 1]);
});

test('what counts is what the worker made of it: software, or hardware that nobody had asked for', () => {
  const { world, relay, a, b } = sharing();
  const used = () => world.cluster.encoders.used('GPU-1');
  world.submit(relay, '1', HARDWARE);
  expect(used()).toBe(1);
  world.report(a, [runningIn('1')]);
  expect(used()).toBe(0);
  world.submit(relay, '2');
  expect(world.job('2').current?.worker).toBe('b');
  world.report(b, [running('2')]);
  expect(used()).toBe(1);
  world.report(b, [ended('2', { exitCode: 0 })]);
  expect(used()).toBe(0);
});

test('of two cards of a worker the one with more room is taken', () => {
  const world = World.settled();
  world.worker('a', withCards(card('GPU-1', 1), card('GPU-2', 2)));
  const relay = world.relay();
  for (const id of ['1', '2', '3', '4']) world.submit(relay, id, HARDWARE);
  expect(world.spread()).toEqual([3]);
});

test('no card ever encodes more than it has sessions for, whoever comes and goes', () => {
  const act = fc.record({
    do: fc.constantFrom('submit', 'end', 'leave', 'come', 'lose'),
    worker: fc.integer({ min: 0, max: 2 }),
    hardware: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const world = World.settled({ recoveryWindowMs: 0 });
      const relay = world.relay();
      let jobs = 0;
      const connections = new Map<string, ConnectionId>();
      for (const { do: what, worker, hardware } of acts) {
        const name = `w${worker}`;
        const connection = connections.get(name);
        const known = world.cluster.workers.get(name);
        const [first] = [...(known?.attempts.values() ?? [])].filter(({ phase }) => phase !== 'ended');
        if (what === 'come' && connection === undefined) {
          connections.set(name, world.worker(name, withCards(card('GPU-1', 2))));
        } else if (what === 'leave' && connection !== undefined) {
          connections.delete(name);
          world.disconnect(connection);
          world.advance(world.settings.workerReconnectMs);
        } else if (what === 'submit') {
          jobs += 1;
          world.submit(relay, `${jobs}`, hardware ? HARDWARE : {});
        } else if (connection !== undefined && first) {
          const outcome = what === 'lose' ? NO_SESSION : { exitCode: 0 };
          world.report(connection, [ended(first.jobId, outcome, first.number)]);
        }
        const encoding = [...world.cluster.jobs.values()].filter(
          ({ requirements, current }) => requirements.hardware && current,
        );
        expect(encoding.length).toBeLessThanOrEqual(2);
        expect(world.cluster.encoders.used('GPU-1')).toBe(encoding.length);
      }
    }),
    { numRuns: 200 },
  );
});
