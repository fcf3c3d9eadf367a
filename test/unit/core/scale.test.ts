import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requirementsOf } from '#shared/requirements.ts';
import type { Worker } from '../../../orchestrator/core/model.ts';
import type { QueueGroup } from '../../../orchestrator/core/queue.ts';
import { Scale } from '../../../orchestrator/core/scale.ts';
import { ScaleGroup } from '../../../orchestrator/core/scaleGroup.ts';
import { changed, type GroupSpec, UNSPECIFIED } from '../../../orchestrator/core/scaleSpec.ts';
import { jobModel, workerModel } from './world.ts';

const SPEC: GroupSpec = { ...UNSPECIFIED, minimum: 1, maximum: 10, desired: 2, stabilisationMs: 300 };

/** One that has so many workers of two slots each, of which none takes more, and runs so much on them. */
function group(spec: Partial<GroupSpec> = {}) {
  const one = new ScaleGroup('default', { ...SPEC, ...spec }, 0);
  return {
    one,
    at(now: number, running: number, waiting = 0, workers = 10) {
      const members = Array.from({ length: workers }, (_, index) =>
        workerModel({ name: `w-${index}`, slots: 2, ready: false }),
      );
      const [first, ...others] = members;
      one.look(first ? [...others, { ...first, running }] : [], () => false, now);
      one.wait(waiting, () => true);
      return one.decide(now);
    },
  };
}

test('as many as asked for, as the jobs need, and as the largest burst, within the bounds; and which of them decided', () => {
  const { one, at } = group();
  expect(at(0, 0)).toEqual({ desired: 2, reason: 'spec' });
  expect(at(0, 5)).toEqual({ desired: 3, reason: 'running' });
  expect(at(0, 5, 2)).toEqual({ desired: 4, reason: 'queue' });
  one.burst({ workers: 7, until: 100 });
  one.burst({ workers: 5, until: 200 });
  expect(at(1, 5)).toEqual({ desired: 7, reason: 'burst' });
  expect(at(1, 50)).toEqual({ desired: 10, reason: 'maximum' });
  expect(group({ minimum: 3, desired: 0 }).at(0, 0)).toEqual({ desired: 3, reason: 'spec' });
});

test('a burst ends by itself', () => {
  const { one, at } = group();
  one.burst({ workers: 7, until: 100 });
  expect(at(99, 0).desired).toBe(7);
  expect(at(100, 0).desired).toBe(2);
  expect(one.activeBursts(100)).toEqual([]);
});

test('the bound that was given last moves the other', () => {
  const bounds = ({ minimum, maximum, desired }: GroupSpec) => [minimum, desired, maximum];
  const low = changed({ ...SPEC, minimum: 2, maximum: 4, desired: 3 }, { maximum: 1 });
  expect(bounds(low)).toEqual([1, 1, 1]);
  const high = changed(low, { minimum: 5 });
  expect(bounds(high)).toEqual([5, 5, 5]);
  expect(bounds(changed(high, { minimum: 0, maximum: 9, desired: 20 }))).toEqual([0, 9, 9]);
});

test('what jobs needed goes on to count for a while, and what people asked for does not', () => {
  const { one, at } = group();
  at(0, 8);
  at(100, 6);
  expect(at(300, 0)).toEqual({ desired: 4, reason: 'recent' });
  expect(at(301, 0)).toEqual({ desired: 3, reason: 'recent' });
  expect(at(401, 0)).toEqual({ desired: 2, reason: 'spec' });
  one.change({ desired: 9 });
  expect(at(402, 0).desired).toBe(9);
  one.change({ desired: 1 });
  expect(at(403, 0).desired).toBe(1);
});

test('what is warm is kept until nobody has asked for anything for so long, then it may be none', () => {
  const { at } = group({ minimum: 0, desired: 0, warm: 1, idleMs: 1_000 });
  expect(at(0, 0)).toEqual({ desired: 1, reason: 'warm' });
  at(500, 1);
  expect(at(1_499, 0)).toEqual({ desired: 1, reason: 'warm' });
  expect(at(1_500, 0)).toEqual({ desired: 0, reason: 'spec' });
});

test('without workers there is no queue: jobs that found none count as if they waited', () => {
  const { one, at } = group({ minimum: 0, desired: 0 });
  at(0, 0, 0, 1);
  expect(at(0, 0, 0, 0).desired).toBe(0);
  one.miss(10);
  one.miss(11);
  one.miss(12);
  // As many slots each as those that were there.
  expect(at(20, 0, 0, 0)).toEqual({ desired: 2, reason: 'queue' });
  expect(at(320, 0, 0, 0)).toEqual({ desired: 2, reason: 'recent' });
  expect(at(621, 0, 0, 0).desired).toBe(0);
});

test('who waits although there is room needs one beyond those that stay, who are not those that are to go', () => {
  const one = new ScaleGroup('default', { ...SPEC, maximum: 3, stabilisationMs: 0 }, 0);
  const desired = (staying: number, waiting: number): number => {
    const members = [0, 1, 2].map((index) =>
      workerModel({ name: `w-${index}`, slots: 2, leavingSince: index < staying ? null : 0 }),
    );
    one.look(members, () => false, 0);
    one.wait(waiting, () => true);
    return one.decide(0).desired;
  };
  expect(desired(2, 1)).toBe(3);
  // And never more than there may be, however long it waits.
  expect(desired(3, 1)).toBe(3);
});

/** Six of two slots, with a number as their rank, of which those from `from` on are to go; the second and fifth run a job. */
function shrinking(fields: { from: number; maximum?: number; suits?: number; held?: number }) {
  const { from, maximum = 10, suits = 0, held = -1 } = fields;
  const spec = { ...SPEC, scalable: 'infra', desired: 1, maximum, stabilisationMs: 100 } as const;
  const one = new ScaleGroup('default', spec, 0);
  const members = [0, 1, 2, 3, 4, 5].map((ordinal) =>
    workerModel({
      ...{ name: `w-${ordinal}`, ordinal, slots: 2, running: Number(ordinal % 3 === 1) },
      leavingSince: ordinal < from ? null : 0,
    }),
  );
  return (waiting: number, now = 0, isHeldNow = true) => {
    const isHeld = ({ ordinal }: Worker): boolean => isHeldNow && ordinal === held;
    one.look(members, isHeld, now);
    one.wait(waiting, ({ ordinal }) => (ordinal ?? 0) >= suits);
    return one.decide(now);
  };
}

test('all that are to go and that those who wait need come back at once', () => {
  // Two on the third, two on the fourth, one beside what the fifth runs.
  expect(shrinking({ from: 2 })(5).desired).toBe(5);
  expect(shrinking({ from: 2 })(4).desired).toBe(4);
  // And one besides for whom they have no room.
  expect(shrinking({ from: 2 })(8).desired).toBe(7);
  // Only the last one can do it.
  expect(shrinking({ from: 2, suits: 5 })(1).desired).toBe(6);
});

test('nobody goes who runs what none could take that stays, nor one below, and for a while after', () => {
  expect(shrinking({ from: 9 })(0)).toEqual({ desired: 1, reason: 'spec' });
  const decide = shrinking({ from: 9, held: 4 });
  expect(decide(0)).toEqual({ desired: 5, reason: 'running' });
  expect(decide(0, 100, false)).toEqual({ desired: 5, reason: 'recent' });
  expect(decide(0, 101, false)).toEqual({ desired: 1, reason: 'spec' });
  // The maximum counts more.
  expect(shrinking({ from: 9, held: 4, maximum: 3 })(0)).toEqual({ desired: 3, reason: 'maximum' });
});

const step = fc.record({
  after: fc.nat(200),
  running: fc.nat(30),
  waiting: fc.nat(10),
  burst: fc.option(fc.record({ workers: fc.nat(12), for: fc.nat(400) })),
});

test('always within the bounds, at least what is asked for and needed now, and what was needed within the window', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const { one, at } = group();
      const past: { at: number; needed: number }[] = [];
      let bursts: { workers: number; until: number }[] = [];
      let now = 0;
      for (const { after, running, waiting, burst } of steps) {
        now += after;
        if (burst) {
          bursts = [...bursts, { workers: burst.workers, until: now + burst.for }];
          one.burst({ workers: burst.workers, until: now + burst.for });
        }
        past.push({ at: now, needed: Math.ceil((running + waiting) / 2) });
        const counting = past.filter((each) => now - each.at <= SPEC.stabilisationMs);
        const live = bursts.filter(({ until }) => until > now).map(({ workers }) => workers);
        const most = Math.max(SPEC.desired, ...live, ...counting.map(({ needed }) => needed));
        expect(at(now, running, waiting).desired).toBe(Math.min(SPEC.maximum, most));
      }
    }),
  );
});

/** Two groups, of which only `gpu` can do what `needs` asks for. */
function twoGroups(fields: { gpu?: Partial<GroupSpec>; cpu?: Partial<GroupSpec> } = {}) {
  const scale = new Scale();
  const spec = { ...SPEC, minimum: 0, desired: 0 };
  scale.specify(
    new Map([
      ['gpu', { ...spec, ...fields.gpu }],
      ['cpu', { ...spec, ...fields.cpu }],
    ]),
    0,
  );
  const able: Worker['capabilities'] = {
    ...workerModel({}).capabilities,
    ...{ decoders: ['h264'], encoders: ['libx264'] },
  };
  const worker = (name: string, group: string, decoders: string[]) =>
    workerModel({ name, group, ready: false, capabilities: { ...able, decoders } });
  const workers = [worker('gpu-0', 'gpu', ['h264', 'hevc']), worker('cpu-0', 'cpu', ['h264'])];
  const job = (codec: string) =>
    jobModel(1, { requirements: requirementsOf(['-codec:0', codec, '-i', 'film']) });
  const look = (jobs: ReturnType<typeof job>[], members = workers) => {
    const waiting: QueueGroup[] = jobs.length === 0 ? [] : [{ jobClass: 'playback', jobs }];
    const seen = { workers: new Map(members.map((one) => [one.name, one])), waiting, isHeld: () => false };
    scale.look(seen, 0);
    return [...scale.groups].map(([name, each]) => [name, each.decide(0).desired]);
  };
  return { scale, workers, job, look };
}

test('who waits counts to the first group that could take it and may become large enough, and then to the next', () => {
  const { job, look } = twoGroups({ gpu: { maximum: 2 } });
  expect(look([job('h264')])).toEqual([
    ['gpu', 1],
    ['cpu', 0],
  ]);
  expect(look(Array.from({ length: 5 }, () => job('h264')))).toEqual([
    ['gpu', 2],
    ['cpu', 3],
  ]);
});

test('a job that no worker of a group could take asks for none of it', () => {
  const { workers, job, look } = twoGroups({ gpu: { maximum: 1 } });
  expect(look([job('hevc'), job('hevc')])).toEqual([
    ['gpu', 1],
    ['cpu', 0],
  ]);
  const [, cpu] = workers;
  if (!cpu) throw new Error('no worker');
  // Nobody knows what those could do that are not there.
  expect(look([job('hevc')], [cpu])).toEqual([
    ['gpu', 1],
    ['cpu', 0],
  ]);
});

test('a worker makes its group known, and a spec that no longer names a group leaves it alone', () => {
  const { scale, look } = twoGroups();
  const members = ['other', 'cpu'].map((group) => workerModel({ name: group, group, running: 3 }));
  look([], members);
  expect([...scale.groups.keys()]).toEqual(['gpu', 'cpu', 'other']);
  expect(scale.groups.get('other')?.spec).toEqual(UNSPECIFIED);
  scale.specify(new Map([['gpu', SPEC]]), 0);
  expect([...scale.groups.keys()]).toEqual(['gpu', 'cpu', 'other']);
  expect(scale.groups.get('cpu')?.spec).toEqual(UNSPECIFIED);
});
