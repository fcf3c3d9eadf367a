import { expect, test } from 'vitest';
import { jobState } from '../../../orchestrator/core/model.ts';
import { ended, running, World } from './world.ts';

function started() {
  const world = World.settled();
  const worker = world.worker('w');
  const relay = world.relay('r');
  const job = world.submit(relay, 'j');
  world.report(worker, [running('j')]);
  return { world, worker, relay, job };
}

test('hello is answered with welcome', () => {
  const world = World.settled();
  world.relay('r');
  expect(world.effects.map(({ type }) => type)).toEqual(['welcome', 'relays-changed']);
  expect(world.cluster.relays).toMatchObject([{ name: 'r', version: '1' }]);
});

test('submitting a job twice is telling its state twice, not running it twice', () => {
  const { world, relay, job } = started();
  expect(world.submit(relay, 'j')).toBe(job);
  expect(world.effects).toEqual([{ type: 'tell-relay', connection: relay, job }]);
  expect(world.list('w')).toEqual(['j/1']);
});

test('a relay that comes back with its jobs finds them running', () => {
  const { world, relay, job } = started();
  expect(world.disconnect(relay)).toEqual([{ type: 'relays-changed' }]);
  expect(job.holder).toBeNull();
  world.advance(29_999);
  const again = world.relay('r', ['j']);
  world.submit(again, 'j');
  world.advance(60_000);
  expect(job).toMatchObject({ holder: again, endRequested: null });
  expect(jobState(job)).toBe('running');
});

test('a relay that comes back without a job has lost its hook: the job is cancelled at once', () => {
  const { world, relay, job } = started();
  const other = world.submit(relay, 'other');
  world.disconnect(relay);
  world.relay('r', ['other']);
  expect(job.endRequested).toBe('SIGTERM');
  expect(world.list('w')).toEqual(['j/1 SIGTERM']);
  expect(other.endRequested).toBeNull();
});

test('what ended while the relay was away is told when it comes back', () => {
  const { world, worker, relay, job } = started();
  world.disconnect(relay);
  world.report(worker, [ended('j', { exitCode: 0 })]);
  expect(world.effects.some(({ type }) => type === 'tell-relay')).toBe(false);
  const again = world.relay('r', ['j']);
  world.submit(again, 'j');
  expect(world.effects).toEqual([{ type: 'tell-relay', connection: again, job }]);
  expect(job.outcome?.exitCode).toBe(0);
});

test('a job that no relay claims back in time is cancelled', () => {
  const { world, relay, job } = started();
  world.disconnect(relay);
  world.advance(29_999);
  expect(job.endRequested).toBeNull();
  world.advance(1);
  expect(job.endRequested).toBe('SIGTERM');
});

test('a job that its relay named in hello, and then did not submit, is cancelled in time', () => {
  const { world, relay, job } = started();
  world.disconnect(relay);
  world.relay('r', ['j']);
  expect(job.endRequested).toBeNull();
  world.advance(30_000);
  expect(job.endRequested).toBe('SIGTERM');
});

test('another relay, or the same one restarted, does not release what it never held', () => {
  const { world, relay, job } = started();
  world.disconnect(relay);
  world.relay('other');
  world.relay('r', [], 'restarted');
  expect(job.endRequested).toBeNull();
});

test('a job whose hook found another relay is told there, and the first one no longer matters', () => {
  const { world, relay, job } = started();
  const other = world.relay('other');
  world.submit(other, 'j');
  expect(job.holder).toBe(other);
  expect(world.effects).toEqual([{ type: 'tell-relay', connection: other, job }]);
  world.release(relay, 'j');
  expect(job.endRequested).toBeNull();
  world.disconnect(relay);
  world.advance(60_000);
  expect(job).toMatchObject({ holder: other, endRequested: null });
  world.release(other, 'j');
  expect(job.endRequested).toBe('SIGTERM');
});

test('a job that moved to another relay is missed when that one comes back without it', () => {
  const { world, job } = started();
  const other = world.relay('other');
  world.submit(other, 'j');
  world.disconnect(other);
  world.relay('other');
  expect(job.endRequested).toBe('SIGTERM');
});

test('a relay holds what it submitted and did not release, and nothing else', () => {
  const { world, relay, job } = started();
  const held = () => world.cluster.relays.map((each) => [...each.held]);
  expect(held()).toEqual([[job]]);
  world.submit(world.relay('other'), 'j');
  expect(held()).toEqual([[], [job]]);
  world.submit(relay, 'j');
  world.release(relay, 'j');
  expect(held()).toEqual([[], []]);
});

test('a second connection of the same process that names no jobs has lost their hooks', () => {
  const { world, job } = started();
  world.relay('r', []);
  expect(job.endRequested).toBe('SIGTERM');
});

test('the same relay process on a second connection replaces the first, whose jobs it may claim', () => {
  const { world, relay, job } = started();
  const second = world.relay('r', ['j']);
  expect(world.closed()).toEqual([`${relay} replaced`]);
  expect(world.cluster.relays).toHaveLength(1);
  world.submit(second, 'j');
  expect(world.disconnect(relay)).toEqual([]);
  world.advance(60_000);
  expect(job).toMatchObject({ holder: second, endRequested: null });
});

test('two relays with one name are two relays', () => {
  const world = World.settled();
  world.relay('r', [], 'one');
  world.relay('r', [], 'two');
  expect(world.closed()).toEqual([]);
  expect(world.cluster.relays).toHaveLength(2);
});

test('what PMS has of an attempt counts, also when that attempt is over, and not after the end', () => {
  const { world, relay, job } = started();
  const accepted = {
    progress: 12,
    speed: 4.5,
    announced: 7,
    resume: { segment: 8, seconds: 21 },
    obstacle: null,
    duration: null,
    readError: null,
  };
  const say = (attempt: number) => {
    const message = { type: 'checkpoint', jobId: 'j', attempt, ...accepted } as const;
    return world.handle({ type: 'relay-message', connection: relay, message });
  };
  expect(say(1)).toMatchObject([{ type: 'job-changed', event: 'progress' }]);
  expect(job.accepted).toEqual({ attempt: 1, ...accepted });
  const [worker] = world.cluster.workers.values();
  world.disconnect(worker?.connection ?? 0);
  world.worker('next');
  world.advance(2_000);
  expect(job.current).toMatchObject({ number: 2, worker: 'next', resume: accepted.resume });
  expect(job.story.at(-1)?.message).toBe('the only worker with a free slot; goes on at segment 8, 21 s');
  say(2);
  expect(say(1)).toEqual([]);
  expect(job.accepted?.attempt).toBe(2);
  world.report(world.workerCalled('next').connection ?? 0, [ended('j', { exitCode: 0 }, 2)]);
  expect(say(3)).toEqual([]);
});

test('a second attempt of which PMS was told nothing begins at the beginning, and says why', () => {
  const { world, job } = started();
  const [worker] = world.cluster.workers.values();
  world.disconnect(worker?.connection ?? 0);
  world.worker('next');
  world.advance(2_000);
  expect(job.current).toMatchObject({ number: 2, resume: null });
  expect(job.story.at(-1)?.message).toMatch(/; from the beginning: PMS was told of no segment yet$/);
});

test('messages about a job that the relay does not hold are ignored', () => {
  const { world, relay, job } = started();
  const other = world.relay('other');
  const send = (connection: number, jobId: string) => [
    world.handle({
      type: 'relay-message',
      connection,
      message: { type: 'end', jobId, signal: 'SIGINT' },
    }),
    world.handle({ type: 'relay-message', connection, message: { type: 'release', jobId } }),
    world.handle({
      type: 'relay-message',
      connection,
      message: {
        type: 'checkpoint',
        jobId,
        attempt: 1,
        progress: 1,
        speed: 1,
        announced: 1,
        resume: null,
        obstacle: null,
        duration: null,
        readError: null,
      },
    }),
  ];
  expect([...send(other, 'j'), ...send(relay, 'unknown'), ...send(99, 'j')].flat()).toEqual([]);
  expect(job).toMatchObject({ endRequested: null, accepted: null, holder: relay });
});

test('a submit on a connection that never said hello is ignored', () => {
  const world = World.settled();
  expect(() => world.submit(5, 'j')).toThrow('there is no job');
});

test('an ended job of a relay that never comes back is forgotten', () => {
  const { world, worker, relay } = started();
  world.report(worker, [ended('j', { exitCode: 0 })]);
  world.disconnect(relay);
  world.advance(30_000);
  expect(world.cluster.jobs.size).toBe(0);
  expect(world.cluster.history.has('j')).toBe(true);
});

test.each(['while the later connection lives', 'after it ended'])(
  'a hello that the network delivers late, %s, releases nothing',
  (when) => {
    const world = World.settled();
    world.worker('w');
    const later = world.relay('pms', [], 'process', 2);
    const job = world.submit(later, 'j');
    if (when === 'after it ended') world.disconnect(later);
    world.relay('pms', [], 'process', 1);
    expect(job).toMatchObject({ released: false, endRequested: null });
  },
);

test('of a job that its hook goes on with, the story says so, once it has ended', () => {
  const { world, worker, relay, job } = started();
  world.submit(relay, 'other');
  world.release(relay, 'other', true);
  world.disconnect(worker);
  world.advance(20_000);
  expect(job).toMatchObject({ outcome: { exitCode: null }, onPms: false });
  world.release(relay, 'j', true);
  expect(job.story.at(-1)).toMatchObject({ event: 'on-pms' });
  expect([job.onPms, world.job('other').onPms]).toEqual([true, false]);
  expect(world.effects).toContainEqual(expect.objectContaining({ type: 'job-changed', job }));
  const last = world.submit(relay, 'last', { local: true });
  world.release(relay, 'last');
  expect(last).toMatchObject({ outcome: { reason: 'no-worker' }, onPms: false });
});
