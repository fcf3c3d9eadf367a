import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Applier } from '../../../../orchestrator/scale/applier.ts';
import { FakeClock } from '../fakeClock.ts';

/** Replicas as an API server would keep them; `fail` is what it says to the next requests. */
function stage(replicas: number) {
  const clock = new FakeClock();
  const stopped = new AbortController();
  const log: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => log.push(JSON.parse(line).msg) });
  const server = { replicas, reads: 0, writes: 0, fail: null as string | null };
  const answer = (): void => {
    if (server.fail !== null) throw new Error(server.fail);
  };
  const open = async () => ({
    async read() {
      server.reads += 1;
      answer();
      return server.replicas;
    },
    async write(count: number) {
      server.writes += 1;
      answer();
      server.replicas = count;
    },
  });
  return {
    clock,
    log,
    server,
    stopped,
    applier: new Applier({ group: 'a', open, clock, logger, stopped: stopped.signal }),
  };
}

test('up at once, down only as far as nobody is hit who is to stay', async () => {
  const { server, applier } = stage(1);
  await applier.want(4, 1);
  expect(server.replicas).toBe(4);
  await applier.want(1, 3);
  expect(server.replicas).toBe(3);
  await applier.want(1, Number.POSITIVE_INFINITY);
  expect(server.replicas).toBe(3);
  // Numbers of workers that are not its own make it no larger.
  await applier.want(1, 40);
  expect(server.replicas).toBe(3);
  await applier.want(1, 1);
  expect(server.replicas).toBe(1);
});

test('it asks when there is news, and else once in a while, since others may scale, too', async () => {
  const { clock, server, applier } = stage(2);
  for (let second = 0; second < 15; second += 1) {
    await applier.want(2, 2);
    clock.advance(1_000);
  }
  expect(server).toMatchObject({ reads: 1, writes: 0 });
  server.replicas = 7;
  await applier.want(2, 2);
  expect(server).toMatchObject({ reads: 2, replicas: 2 });
});

test('what fails is told once, shown until it works, and tried again every 5 s', async () => {
  const { clock, log, server, applier } = stage(1);
  server.fail = 'no';
  for (let second = 0; second < 10; second += 1) {
    await applier.want(2, 2);
    clock.advance(1_000);
  }
  expect(applier.problem).toBe('no');
  expect(server.reads).toBe(2);
  expect(log).toEqual(['can’t scale; it is tried again']);
  server.fail = null;
  await applier.want(2, 2);
  expect(applier.problem).toBeNull();
  expect(server.replicas).toBe(2);
});

test('one request at a time: while it has no answer, nothing more is asked', async () => {
  const { server, applier } = stage(1);
  const first = applier.want(2, 2);
  // What it makes of the answer is what is wanted by then.
  await applier.want(3, 3);
  await first;
  expect(server).toMatchObject({ reads: 1, writes: 1, replicas: 3 });
});

test('who no longer leads sets nothing, whatever is under way', async () => {
  const { server, applier } = stage(1);
  const asking = applier.want(2, 2);
  applier.hold();
  await asking;
  expect(server).toMatchObject({ reads: 1, writes: 0, replicas: 1 });
});

test('who stops complains of nothing', async () => {
  const { log, server, stopped, applier } = stage(1);
  stopped.abort();
  server.fail = 'aborted';
  await applier.want(2, 2);
  expect(log).toEqual([]);
});
