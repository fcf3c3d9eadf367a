import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { RecordViews } from '../../../../orchestrator/api/recordViews.ts';
import { Views } from '../../../../orchestrator/api/views.ts';
import type { Answer, Archive, Question } from '../../../../orchestrator/history/archive.ts';
import { History } from '../../../../orchestrator/history/history.ts';
import { NEWEST } from '../../../../orchestrator/history/query.ts';
import { ended, World } from '../../core/world.ts';
import { FakeClock } from '../fakeClock.ts';

/** Keeps what it is told, or fails at that. */
class FakeArchive implements Archive {
  readonly written: string[][] = [];
  readonly more: boolean[] = [];
  problem: string | null = null;

  async ask(question: Question): Promise<Answer> {
    if (this.problem !== null && question.type === 'write') throw new Error(this.problem);
    if (question.type === 'write') {
      this.written.push(question.jobs.map(({ jobId }) => jobId));
      this.more.push(question.more);
    }
    return question.type === 'search' ? { page: { jobs: [], next: null } } : {};
  }

  async close(): Promise<void> {
    if (this.problem !== null) throw new Error(this.problem);
    this.written.push(['closed']);
  }
}

class Stage {
  readonly world = World.settled();
  readonly clock = new FakeClock();
  readonly archive = new FakeArchive();
  readonly log: string[] = [];
  readonly history: History;
  readonly #worker = this.world.worker('w1', { slots: 100 });
  readonly #relay = this.world.relay();

  constructor(archive: Archive | null | undefined = undefined, kept: RecordViews['kept'] = () => null) {
    const { world, clock } = this;
    const views = new Views(world.cluster, clock, { of: () => null });
    const logger = pino({ base: null }, { write: (line: string) => this.log.push(JSON.parse(line).msg) });
    this.history = new History({
      archive: archive === undefined ? this.archive : archive,
      ...{ cluster: world.cluster, views, clock, logger },
      records: { kept },
    });
  }

  end(...jobs: string[]): void {
    for (const job of jobs) this.world.submit(this.#relay, job, { title: `Film ${job}` });
    for (const effect of this.world.report(
      this.#worker,
      jobs.map((job) => ended(job, { exitCode: 0 })),
    )) {
      if (effect.type === 'job-changed') this.history.observe(effect);
    }
  }

  /** PMS runs it itself. */
  leave(job: string): void {
    this.world.release(this.#relay, job, true);
    for (const effect of this.world.effects) {
      if (effect.type === 'job-changed') this.history.observe(effect);
    }
  }

  async found(query = {}): Promise<string[]> {
    const { jobs } = await this.history.search({ before: NEWEST, limit: 100, ...query });
    return jobs.map(({ jobId }) => jobId);
  }
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

test('ended jobs are gathered for a second, and told a few at a time', async () => {
  const stage = new Stage();
  const jobs = Array.from({ length: 25 }, (_, index) => String(index));
  stage.end(...jobs);
  stage.clock.advance(999);
  await turns();
  expect(stage.archive.written).toEqual([]);
  stage.clock.advance(1);
  expect(stage.archive.written).toEqual([jobs.slice(0, 10)]);
  await turns();
  expect(stage.archive.written.flat()).toEqual(jobs);
  expect(stage.archive.more).toEqual([true, true, false]);
});

test('that PMS ran it itself is written with its end, or once more after it', async () => {
  const stage = new Stage();
  stage.end('a', 'b');
  stage.leave('a');
  stage.clock.advance(1_000);
  await turns();
  expect(stage.archive.written).toEqual([['a', 'b']]);
  stage.leave('b');
  stage.clock.advance(1_000);
  await turns();
  expect(stage.archive.written).toEqual([['a', 'b'], ['b']]);
});

test('a record that can’t be told costs no job its place in the history', async () => {
  const stage = new Stage(undefined, ({ spec }) => {
    if (spec.jobId === 'a') throw new RangeError('Maximum call stack size exceeded');
    return null;
  });
  stage.end('a', 'b');
  stage.clock.advance(1_000);
  await turns();
  expect(stage.archive.written).toEqual([['a', 'b']]);
  expect(stage.log).toEqual(['command and output of a job can’t be kept']);
});

test('an archive that fails is told of once, until it works again; meanwhile memory answers', async () => {
  const stage = new Stage();
  const { archive, clock, log } = stage;
  archive.problem = 'disk full';
  stage.end('a');
  clock.advance(1_000);
  await turns();
  expect(await stage.found()).toEqual(['a']);
  stage.end('b');
  expect(await stage.found()).toEqual(['b', 'a']);
  expect(log).toEqual(['the history can’t be used: finished jobs are kept in memory only']);
  expect(stage.history.unwritten).toBe(2);
  archive.problem = null;
  stage.end('c');
  expect(archive.written).toEqual([]);
  clock.advance(30_000);
  await turns();
  await turns();
  expect(archive.written).toEqual([['a', 'b', 'c']]);
  expect(stage.history.unwritten).toBe(0);
  expect(log.slice(1)).toEqual(['finished jobs are written into the history again']);
  expect(await stage.found()).toEqual([]);
});

test('of those that wait for an archive that fails, the last 1000 are kept', async () => {
  const stage = new Stage();
  const { archive } = stage;
  archive.problem = 'disk full';
  for (let first = 0; first < 1_050; first += 50) {
    stage.end(...Array.from({ length: 50 }, (_, index) => String(first + index)));
    await stage.found();
  }
  expect(stage.history.unwritten).toBe(1_000);
  archive.problem = null;
  await stage.found();
  expect(archive.written.flat()).toHaveLength(1_000);
  expect(archive.written.flat()[0]).toBe('50');
});

test('memory finds by the same parts, a page at a time', async () => {
  const stage = new Stage(null);
  stage.end('a', 'b');
  stage.end('c');
  expect(await stage.found()).toEqual(['c', 'b', 'a']);
  expect(await stage.found({ search: 'film B' })).toEqual(['b']);
  expect(await stage.found({ reason: 'exited', worker: 'w1', class: 'playback' })).toHaveLength(3);
  for (const none of [{ reason: 'lost' }, { worker: 'w2' }, { class: 'background' }]) {
    expect(await stage.found(none)).toEqual([]);
  }
  const first = await stage.history.search({ before: NEWEST, limit: 2 });
  expect(await stage.found({ before: first.next })).toEqual(['a']);
});

test('what has ended is written before it stops, and an archive that fails does not hinder that', async () => {
  const stage = new Stage();
  stage.end('a');
  await stage.history.stop();
  expect(stage.archive.written).toEqual([['a'], ['closed']]);
  const failing = new Stage();
  failing.archive.problem = 'gone';
  await failing.history.stop();
});
