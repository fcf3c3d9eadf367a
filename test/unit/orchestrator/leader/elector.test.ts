import { beforeEach, describe, expect, test } from 'vitest';
import { Elector, type LeaseAnswer } from '../../../../orchestrator/leader/elector.ts';
import { LeaseStore } from './leaseStore.ts';

const DURATION = 15_000;
const DEADLINE = 10_000;
const RETRY = 2_000;

let store: LeaseStore;
let now: number;

beforeEach(() => {
  store = new LeaseStore();
  now = 1_000;
});

function candidate(identity: string): Elector {
  return new Elector(
    { identity, durationMs: DURATION, renewDeadlineMs: DEADLINE, retryMs: RETRY, random: () => 0.5 },
    now,
  );
}

/** Asks whatever is due now, and gives it the store's answers, or this one. */
function ask(elector: Elector, answer?: LeaseAnswer): void {
  for (let call = elector.next(now); call; call = elector.next(now)) {
    elector.answered(answer ?? store.carryOut(call, now, DURATION), now);
  }
}

/** Lets time pass to the next thing that it wants to do. */
function wait(elector: Elector): number {
  const from = now;
  now = elector.wakeAt ?? Number.NaN;
  return now - from;
}

function leader(identity = 'a'): Elector {
  const elector = candidate(identity);
  ask(elector);
  expect(elector.leads(now)).toBe(true);
  return elector;
}

/** Somebody else holds it, and has just renewed it. */
function heldByOther(transitions = 4): void {
  store.write({ holder: 'other', transitions, durationMs: DURATION, renewedAt: String(now) });
}

describe('a candidate', () => {
  test('creates the Lease where there is none, and leads with the first term', () => {
    const elector = leader();
    expect([elector.term, elector.holder, store.lease?.holder]).toEqual([1, 'a', 'a']);
  });

  test('takes a Lease that was released, at once, with the next term', () => {
    store.write({ holder: null, transitions: 4, durationMs: 1_000, renewedAt: String(now) });
    expect(leader().term).toBe(5);
  });

  test('takes a Lease that did not change for its duration, counted from when it first saw it', () => {
    heldByOther();
    now += 14_000;
    const elector = candidate('a');
    const since = now;
    ask(elector);
    while (now - since < DURATION) {
      expect([elector.leads(now), elector.holder]).toEqual([false, 'other']);
      expect(wait(elector)).toBeLessThanOrEqual(RETRY);
      ask(elector);
    }
    expect([elector.leads(now), now - since, elector.term]).toEqual([true, DURATION, 5]);
  });

  test('never takes one that is renewed', () => {
    heldByOther();
    const elector = candidate('a');
    for (let count = 0; count < 100; count += 1) {
      ask(elector);
      wait(elector);
      heldByOther();
    }
    expect(elector.leads(now)).toBe(false);
  });

  test('another wall clock of the holder means nothing', () => {
    store.write({
      holder: 'other',
      transitions: 4,
      durationMs: DURATION,
      renewedAt: String(now - 3_600_000),
    });
    const elector = candidate('a');
    ask(elector);
    expect(elector.leads(now)).toBe(false);
  });

  test('loses a race, and sees who won it', () => {
    const elector = candidate('a');
    elector.answered(store.carryOut(elector.next(now) ?? { type: 'read' }, now, DURATION), now);
    const create = elector.next(now);
    expect(create).toMatchObject({ type: 'write', version: null });
    heldByOther();
    elector.answered({ type: 'conflict' }, now);
    expect(wait(elector)).toBe(RETRY / 10);
    ask(elector);
    expect([elector.leads(now), elector.holder]).toEqual([false, 'other']);
  });

  test('leads once it sees that a write that seemed to fail was carried out, with the term of that', () => {
    store.write({ holder: null, transitions: 4, durationMs: 1_000, renewedAt: String(now) });
    const elector = candidate('a');
    elector.answered(store.carryOut(elector.next(now) ?? { type: 'read' }, now, DURATION), now);
    const call = elector.next(now);
    if (call) store.carryOut(call, now, DURATION);
    elector.answered({ type: 'failed' }, now);
    expect(elector.leads(now)).toBe(false);
    wait(elector);
    ask(elector);
    expect([elector.leads(now), elector.term, store.lease?.transitions]).toEqual([true, 5, 5]);
  });

  test('does not lead by a write whose success it hears of too late', () => {
    const elector = candidate('a');
    elector.answered(store.carryOut(elector.next(now) ?? { type: 'read' }, now, DURATION), now);
    const call = elector.next(now);
    const answer = call && store.carryOut(call, now, DURATION);
    now += DEADLINE;
    if (answer) elector.answered(answer, now);
    expect(elector.leads(now)).toBe(false);
    ask(elector);
    expect(elector.leads(now)).toBe(true);
  });

  test('leaves its holder the time to make a deleted Lease anew, and counts on from what it knew', () => {
    heldByOther(7);
    const elector = candidate('a');
    const since = now;
    ask(elector);
    store.remove();
    while (now - since < DURATION) {
      expect([elector.leads(now), store.lease]).toEqual([false, null]);
      wait(elector);
      ask(elector);
    }
    expect([elector.leads(now), elector.term, now - since]).toEqual([true, 8, DURATION]);
  });

  test('is in touch as long as the API server answers, whatever it says', () => {
    heldByOther();
    const elector = candidate('a');
    expect(elector.isInTouch(now)).toBe(false);
    ask(elector);
    expect(elector.isInTouch(now)).toBe(true);
    const since = now;
    while (now - since < DURATION) {
      expect(elector.isInTouch(now)).toBe(true);
      wait(elector);
      ask(elector, { type: 'failed' });
    }
    expect([elector.isInTouch(now), elector.leads(now)]).toEqual([false, false]);
  });
});

describe('a leader', () => {
  test('renews every 2 s, in the same term', () => {
    const elector = leader();
    for (let count = 0; count < 10; count += 1) {
      expect(wait(elector)).toBe(RETRY);
      ask(elector);
      expect([elector.leads(now), elector.term, store.lease?.renewedAt]).toEqual([true, 1, String(now)]);
    }
  });

  test('stops 10 s after it asked for the last renewal that succeeded, and for good', () => {
    const elector = leader();
    wait(elector);
    const call = elector.next(now);
    const askedAt = now;
    now += 3_000;
    if (call) elector.answered(store.carryOut(call, now, DURATION), now);
    while (now < askedAt + DEADLINE) {
      expect(elector.leads(now)).toBe(true);
      ask(elector, { type: 'failed' });
      wait(elector);
    }
    expect([now, elector.leads(now), elector.deposed(now), elector.wakeAt]).toEqual([
      askedAt + DEADLINE,
      ...[false, true, null],
    ]);
    ask(elector);
    expect(elector.leads(now)).toBe(false);
  });

  test('stops while an answer is still outstanding', () => {
    const elector = leader();
    wait(elector);
    const call = elector.next(now);
    expect(wait(elector)).toBe(DEADLINE - RETRY);
    expect(elector.deposed(now)).toBe(true);
    if (call) elector.answered(store.carryOut(call, now, DURATION), now);
    expect(elector.leads(now)).toBe(false);
  });

  test('once it was said not to lead, no late answer makes it lead again', () => {
    const elector = leader();
    wait(elector);
    const call = elector.next(now);
    const answer = call && store.carryOut(call, now, DURATION);
    now += DEADLINE - RETRY;
    expect(elector.leads(now)).toBe(false);
    if (answer) elector.answered(answer, now);
    expect(elector.leads(now)).toBe(false);
  });

  test('goes on when its renewal was carried out and the answer was lost', () => {
    const elector = leader();
    wait(elector);
    const call = elector.next(now);
    if (call) store.carryOut(call, now, DURATION);
    elector.answered({ type: 'failed' }, now);
    for (const _ of ['an old version', 'a look', 'renewed']) {
      wait(elector);
      ask(elector);
    }
    expect([elector.leads(now), store.lease?.renewedAt]).toEqual([true, String(now)]);
  });

  test('stops at once when somebody else holds the Lease', () => {
    const elector = leader();
    heldByOther();
    wait(elector);
    ask(elector);
    expect(elector.leads(now)).toBe(true);
    expect(wait(elector)).toBe(RETRY / 10);
    ask(elector);
    expect([elector.deposed(now), elector.holder]).toEqual([true, 'other']);
  });

  test('makes the Lease anew when somebody deleted it, in the same term', () => {
    const elector = leader();
    store.remove();
    wait(elector);
    ask(elector);
    expect([elector.leads(now), elector.term, store.lease?.transitions]).toEqual([true, 1, 1]);
  });
});

describe('on release', () => {
  test('a leader leads no more from that moment, and leaves a Lease that anybody may take', () => {
    const elector = leader();
    elector.release(now);
    expect([elector.leads(now), elector.isOver]).toEqual([false, false]);
    ask(elector);
    expect([elector.isOver, store.lease?.holder]).toEqual([true, null]);
    expect(leader('b').term).toBe(2);
  });

  test('what was on its way is waited for, and then taken back', () => {
    const elector = leader();
    wait(elector);
    const renewal = elector.next(now);
    elector.release(now);
    expect(elector.next(now)).toBe(null);
    if (renewal) elector.answered(store.carryOut(renewal, now, DURATION), now);
    ask(elector);
    expect([elector.isOver, store.lease?.holder]).toEqual([true, null]);
  });

  test('after a conflict it looks again', () => {
    const elector = leader();
    store.write({ holder: 'a', transitions: 1, durationMs: DURATION, renewedAt: String(now) });
    elector.release(now);
    for (const _ of ['a conflict', 'a look, and the release']) {
      ask(elector);
      wait(elector);
    }
    expect([elector.isOver, store.lease?.holder]).toEqual([true, null]);
  });

  test('a candidate leaves the Lease alone', () => {
    heldByOther();
    const elector = candidate('a');
    ask(elector);
    elector.release(now);
    ask(elector);
    expect([elector.isOver, elector.wakeAt, store.lease?.holder]).toEqual([true, null, 'other']);
  });
});
