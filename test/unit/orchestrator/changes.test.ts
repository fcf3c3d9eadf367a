import { expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { type Change, Changes } from '../../../orchestrator/api/changes.ts';

function gone(name: string): Change {
  return { event: 'worker-gone', key: name, data: { name } };
}

test('a watcher hears at once what is, then of several changes to one thing the last, after a rest', async () => {
  vi.useFakeTimers();
  try {
    const changes = new Changes(systemClock);
    const subscription = changes.subscribe();
    subscription.push(gone('w0'));
    const heard = subscription[Symbol.asyncIterator]();
    expect((await heard.next()).value).toEqual(gone('w0'));

    const [first, last] = [gone('w1'), gone('w1')];
    const next = heard.next();
    for (const change of [first, gone('w2'), last]) changes.publish(() => change);
    await vi.advanceTimersByTimeAsync(50);
    const soon = await Promise.race([next, Promise.resolve('not yet')]);
    expect(soon).toBe('not yet');
    await vi.advanceTimersByTimeAsync(200);
    expect((await next).value).toEqual(gone('w2'));
    expect((await heard.next()).value).toBe(last);

    const end = heard.next();
    changes.close();
    await vi.advanceTimersByTimeAsync(200);
    expect(await end).toEqual({ done: true, value: undefined });
  } finally {
    vi.useRealTimers();
  }
});

test('nothing is built while nobody watches', () => {
  const build = vi.fn(() => gone('w1'));
  new Changes(systemClock).publish(build);
  expect(build).not.toHaveBeenCalled();
});
