import { describe, expect, test } from 'vitest';
import {
  Failover,
  isSplit,
  MOST_PAUSE_MS,
  type Mount,
  RETRY_MS,
  type Server,
  type Step,
} from '../../../dfs/core/failover.ts';

const W1 = '192.168.1.12';
const W2 = '192.168.1.22';
const LOST_MS = 3_000;
const LOOK_MS = 1_000;

/** Two storage nodes and what is mounted from them, in a time of its own. */
class World {
  readonly #failover = new Failover(LOST_MS);
  readonly #servers = new Map<string, Omit<Server, 'address'>>();
  /** Those whose mount does not answer, or with errors. */
  readonly #silent = new Set<string>();
  readonly failing = new Map<string, Mount['failure']>();
  /** Those that can't be mounted. */
  readonly refusing = new Set<string>();
  readonly steps: Step[] = [];
  now = 0;
  #mount: {
    server: string;
    since: number;
    fineAt: number | null;
    instance: string | null | undefined;
  } | null = null;

  constructor() {
    this.set(W1, null);
    this.set(W2, null);
  }

  get server(): string | null {
    return this.#mount?.server ?? null;
  }

  /** Its FUSE mount: null when it has none, undefined when nobody hears of it. */
  set(address: string, instance: string | null | undefined, ready = typeof instance === 'string'): void {
    this.#servers.set(address, { instance, ready });
  }

  hang(address: string): void {
    this.#silent.add(address);
  }

  lose(address: string): void {
    this.set(address, undefined);
    this.hang(address);
  }

  comeBack(address: string, instance: string): void {
    this.set(address, instance);
    this.#silent.delete(address);
  }

  /** Between two looks. */
  answered(): void {
    if (this.#mount) this.#mount.fineAt = this.now;
  }

  /** What a process of dfs-mount would see that starts now. */
  look(failover = this.#failover): Step | null {
    const mount = this.#mount;
    if (mount && !this.#silent.has(mount.server) && !this.failing.has(mount.server)) mount.fineAt = this.now;
    const failure = (mount && this.failing.get(mount.server)) ?? null;
    const { server = null, since = this.now, fineAt = null } = mount ?? {};
    const servers = [...this.#servers].map(([address, one]) => ({ address, ...one }));
    return failover.decide({ now: this.now, servers, mount: { server, since, fineAt, failure } });
  }

  /** Time goes on, a look a second. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += LOOK_MS;
      const step = this.look();
      if (!step) continue;
      this.steps.push(step);
      const instance = this.#servers.get(step.server)?.instance;
      this.#mount = this.refusing.has(step.server)
        ? null
        : { server: step.server, since: this.now, fineAt: null, instance };
    }
  }
}

function serving(): World {
  const world = new World();
  world.set(W1, 'a');
  world.pass(5_000);
  return world;
}

test('nothing is mounted before somebody serves, and then who does', () => {
  const world = new World();
  world.pass(20_000);
  expect(world.steps).toEqual([]);
  world.set(W2, 'a');
  world.pass(2_000);
  expect(world.steps).toEqual([{ server: W2, reason: 'nothing-mounted' }]);
});

test('of two that serve the first of the list is the one to begin with', () => {
  const world = new World();
  world.set(W2, 'a');
  world.set(W1, 'a');
  world.pass(1_000);
  expect(world.server).toBe(W1);
});

test('what answers stays, whatever its probe says, whoever else serves, and however long', () => {
  const world = serving();
  world.set(W2, 'b');
  for (const [instance, ready] of [
    ['a', true],
    [undefined, false],
    ['a', false],
  ] as const) {
    world.set(W1, instance, ready);
    world.pass(60_000);
  }
  expect(world.steps).toHaveLength(1);
});

test('what is mounted from before this process stays, too', () => {
  const world = serving();
  world.set(W2, 'b');
  expect(world.look(new Failover(LOST_MS))).toBeNull();
});

test('when the current one is silent, another one that serves takes its place, and no sooner', () => {
  const world = serving();
  world.lose(W1);
  world.pass(20_000);
  expect(world.steps).toHaveLength(1);
  world.set(W2, 'b');
  world.pass(1_000);
  expect(world.steps.at(-1)).toEqual({ server: W2, reason: 'silent' });
});

test('a moment of silence, such as NFS needs to reconnect, changes nothing', () => {
  const world = serving();
  world.set(W2, 'b');
  world.lose(W1);
  world.pass(LOST_MS - LOOK_MS);
  world.comeBack(W1, 'a');
  world.pass(10_000);
  expect(world.steps).toHaveLength(1);
});

test('one whose daemon hangs is left, although its probe still says that it serves', () => {
  const world = serving();
  world.set(W2, 'b');
  world.hang(W1);
  world.pass(LOST_MS);
  expect(world.steps.at(-1)).toEqual({ server: W2, reason: 'silent' });
});

test('who comes back waits until the other one is lost', () => {
  const world = serving();
  world.lose(W1);
  world.set(W2, 'b');
  world.pass(10_000);
  world.comeBack(W1, 'c');
  world.pass(60_000);
  expect(world.server).toBe(W2);
  world.lose(W2);
  world.pass(10_000);
  expect(world.server).toBe(W1);
});

test.each(['stale', 'failed'] as const)(
  '%s: the same server is mounted anew, where there is no other',
  (failure) => {
    const world = serving();
    world.failing.set(W1, failure);
    world.pass(LOST_MS + LOOK_MS);
    expect(world.steps.at(-1)).toEqual({ server: W1, reason: failure });
  },
);

test('stale: at once, the same server first. With errors: after a while, the other one first', () => {
  const stale = serving();
  stale.set(W2, 'b');
  stale.failing.set(W1, 'stale');
  stale.pass(1_000);
  expect(stale.steps.at(-1)).toEqual({ server: W1, reason: 'stale' });
  const failed = serving();
  failed.set(W2, 'b');
  failed.failing.set(W1, 'failed');
  failed.pass(LOOK_MS);
  expect(failed.steps).toHaveLength(1);
  failed.pass(LOST_MS);
  expect(failed.steps.at(-1)).toEqual({ server: W2, reason: 'failed' });
});

describe('the daemon of the current server starts again', () => {
  test.each([
    ['with another number', 'b'],
    ['with the same number, after it was seen to be gone', 'a'],
  ])('%s', (_how, instance) => {
    const world = serving();
    if (instance === 'a') world.set(W1, null);
    world.pass(3_000);
    world.set(W1, instance);
    world.pass(3_000);
    expect(world.steps.slice(1)).toEqual([{ server: W1, reason: 'restarted' }]);
    world.pass(60_000);
    expect(world.steps).toHaveLength(2);
  });

  test('a probe that was away for a while says nothing of that', () => {
    const world = serving();
    world.set(W1, undefined);
    world.pass(3_000);
    world.set(W1, 'a');
    world.pass(3_000);
    expect(world.steps).toHaveLength(1);
  });
});

test('what answered once, and is stale at the next look, is the same server’s to mount anew', () => {
  const world = serving();
  world.set(W2, 'b');
  world.hang(W1);
  world.pass(LOST_MS);
  expect(world.server).toBe(W2);
  world.comeBack(W1, 'a');
  world.answered();
  world.failing.set(W2, 'stale');
  world.pass(LOOK_MS);
  expect(world.steps.at(-1)).toEqual({ server: W2, reason: 'stale' });
});

test('a server that can not be mounted is tried again, but not at once, and others in between', () => {
  const world = new World();
  world.set(W1, 'a');
  world.refusing.add(W1);
  world.pass(3 * RETRY_MS);
  expect(world.steps).toHaveLength(3);
  world.set(W2, 'b');
  world.pass(LOOK_MS);
  expect(world.server).toBe(W2);
});

test('of two that both hang none is kept for long, nor left at each look', () => {
  const world = serving();
  world.set(W2, 'b');
  world.hang(W1);
  world.hang(W2);
  world.pass(60_000);
  const moves = world.steps.length - 1;
  expect(moves).toBeGreaterThan(2);
  expect(moves).toBeLessThanOrEqual(60_000 / LOST_MS);
  world.comeBack(W1, 'a');
  world.pass(2 * RETRY_MS);
  expect(world.server).toBe(W1);
});

test('two that are both too slow are exchanged ever more seldom, until one was well for a while', () => {
  const world = serving();
  world.set(W2, 'b');
  world.hang(W1);
  world.hang(W2);
  const pauses: number[] = [];
  for (let since = world.now; pauses.length < 7; since = world.now) {
    const { length } = world.steps;
    while (world.steps.length === length) world.pass(LOOK_MS);
    pauses.push(world.now - since);
  }
  expect(pauses).toEqual([LOST_MS, 6_000, 12_000, 24_000, 48_000, MOST_PAUSE_MS, MOST_PAUSE_MS]);
  const moves = world.steps.length;
  const current = world.server ?? '';
  world.comeBack(current, current === W1 ? 'a' : 'b');
  world.pass(MOST_PAUSE_MS);
  world.hang(current);
  world.pass(LOST_MS);
  expect(world.steps).toHaveLength(moves + 1);
  world.pass(6_000);
  expect(world.steps).toHaveLength(moves + 2);
});

test('two that serve are a split brain, and one that does not answer is none of them', () => {
  const server = (address: string, ready: boolean): Server => ({
    address,
    ready,
    instance: ready ? 'a' : undefined,
  });
  expect(isSplit([server(W1, true), server(W2, true)])).toBe(true);
  expect(isSplit([server(W1, true), server(W2, false)])).toBe(false);
});
